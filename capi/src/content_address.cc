#include "convert.hh"
#include "model_handles.hh"

#include <cinch/core/content_address_hasher.hh>
#include <cinch/core/model_json.hh>
#include <cinch/files/file_tree.hh>

using cinch::ContentAddress;
using cinch::ContentAddressHasher;
using cinch::capi::content_address_method;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::hash_algorithm;
using cinch::capi::lend;
using cinch::capi::path_set;
using cinch::capi::view;

struct cinch_content_address_hasher {
  cinch::capi::StreamHandle<ContentAddressHasher> stream;
};

namespace cinch::capi {

ContentAddressMethod content_address_method(std::uint32_t number) {
  switch (number) {
    case CINCH_METHOD_TEXT:
      return ContentAddressMethod::text;
    case CINCH_METHOD_FLAT:
      return ContentAddressMethod::flat;
    case CINCH_METHOD_NAR:
      return ContentAddressMethod::nar;
    case CINCH_METHOD_GIT:
      return ContentAddressMethod::git;
    default:
      throw Error(Code::invalid_argument,
                  "there is no content-address method with the number " + std::to_string(number));
  }
}

std::uint32_t number_of(ContentAddressMethod method) {
  switch (method) {
    case ContentAddressMethod::text:
      return CINCH_METHOD_TEXT;
    case ContentAddressMethod::flat:
      return CINCH_METHOD_FLAT;
    case ContentAddressMethod::nar:
      return CINCH_METHOD_NAR;
    case ContentAddressMethod::git:
      return CINCH_METHOD_GIT;
  }
  return 0;
}

}  // namespace cinch::capi

extern "C" {

cinch_error* cinch_content_address_new(uint32_t method, const cinch_hash* hash,
                                       cinch_content_address** address_out) noexcept {
  return guarded([&] {
    cinch_content_address*& out = deref(address_out, "address_out");
    const ContentAddress address{content_address_method(method), deref(hash, "hash").hash};
    cinch::check_content_address_algorithm(address.method, address.hash.algorithm());
    out = new cinch_content_address(address);
  });
}

cinch_error* cinch_content_address_parse(cinch_str text,
                                         cinch_content_address** address_out) noexcept {
  return guarded([&] {
    cinch_content_address*& out = deref(address_out, "address_out");
    out = new cinch_content_address(ContentAddress::parse(view(text)));
  });
}

cinch_error* cinch_content_address_parse_json(cinch_str json,
                                              cinch_content_address** address_out) noexcept {
  return guarded([&] {
    cinch_content_address*& out = deref(address_out, "address_out");
    out = new cinch_content_address(cinch::parse_content_address_json(view(json)));
  });
}

cinch_error* cinch_content_address_print_json(const cinch_content_address* address,
                                              cinch_text** json_out) noexcept {
  return guarded([&] {
    cinch_text*& out = deref(json_out, "json_out");
    out = new cinch_text{cinch::print_content_address_json(deref(address, "address").address)};
  });
}

cinch_str cinch_content_address_text(const cinch_content_address* address) noexcept {
  return lend(address->text);
}

uint32_t cinch_content_address_method(const cinch_content_address* address) noexcept {
  return cinch::capi::number_of(address->address.method);
}

const cinch_hash* cinch_content_address_hash(const cinch_content_address* address) noexcept {
  return &address->hash;
}

cinch_error* cinch_content_address_path(const cinch_content_address* address, cinch_str store_dir,
                                        cinch_str name, const cinch_path* const* references,
                                        size_t references_count, bool refers_to_itself,
                                        cinch_path** path_out) noexcept {
  return guarded([&] {
    cinch_path*& out = deref(path_out, "path_out");
    const cinch::StoreDir directory(view(store_dir));
    const cinch::References mentioned{
        .others = path_set(references, references_count, "references"), .self = refers_to_itself};
    out = new cinch_path(directory,
                         cinch::make_content_addressed_path(
                             directory, view(name), deref(address, "address").address, mentioned));
  });
}

void cinch_content_address_free(cinch_content_address* address) noexcept { delete address; }

cinch_str cinch_content_address_method_name(uint32_t method) noexcept {
  if (method < CINCH_METHOD_TEXT || method > CINCH_METHOD_GIT) return lend("unknown");
  return lend(cinch::to_string(content_address_method(method)));
}

cinch_error* cinch_content_address_of_tree(cinch_str file, uint32_t method, uint32_t algorithm,
                                           const cinch_cancel* cancel,
                                           cinch_content_address** address_out) noexcept {
  return guarded([&] {
    cinch_content_address*& out = deref(address_out, "address_out");
    ContentAddressHasher hasher(
        {.method = content_address_method(method), .algorithm = hash_algorithm(algorithm)});
    cinch::dump_tree(cinch::capi::file_name(file), hasher,
                     {.filter = nullptr, .stop = cinch::capi::token_of(cancel)});
    out = new cinch_content_address(hasher.finish());
  });
}

cinch_error* cinch_content_address_hasher_new(uint32_t method, uint32_t algorithm, cinch_str self,
                                              cinch_content_address_hasher** hasher_out) noexcept {
  return guarded([&] {
    cinch_content_address_hasher*& out = deref(hasher_out, "hasher_out");
    cinch::ContentAddressHashing how{.method = content_address_method(method),
                                     .algorithm = hash_algorithm(algorithm)};
    if (const std::string_view part = view(self); !part.empty()) {
      cinch::check_hash_part(part);
      how.self = std::string(part);
    }
    out = new cinch_content_address_hasher{
        cinch::capi::StreamHandle<ContentAddressHasher>(std::in_place, how)};
  });
}

cinch_error* cinch_content_address_hasher_write(cinch_content_address_hasher* hasher,
                                                cinch_str nar) noexcept {
  return guarded([&] {
    deref(hasher, "hasher").stream.use([&](ContentAddressHasher& stream) {
      stream.write(cinch::as_bytes(view(nar)));
    });
  });
}

cinch_error* cinch_content_address_hasher_finish(cinch_content_address_hasher* hasher,
                                                 cinch_content_address** address_out) noexcept {
  return guarded([&] {
    cinch_content_address*& out = deref(address_out, "address_out");
    deref(hasher, "hasher").stream.finish([&](ContentAddressHasher& stream) {
      out = new cinch_content_address(stream.finish());
    });
  });
}

void cinch_content_address_hasher_free(cinch_content_address_hasher* hasher) noexcept {
  delete hasher;
}

}  // extern "C"
