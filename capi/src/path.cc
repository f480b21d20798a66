#include "convert.hh"

#include <cinch/core/store_path.hh>

using cinch::Code;
using cinch::Error;
using cinch::StoreDir;
using cinch::StorePath;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::lend;
using cinch::capi::view;

extern "C" {

cinch_error* cinch_path_parse(cinch_str store_dir, cinch_str text, cinch_path** path_out) noexcept {
  return guarded([&] {
    cinch_path*& out = deref(path_out, "path_out");
    const StoreDir directory(view(store_dir));
    out = new cinch_path(directory, directory.parse(view(text)));
  });
}

cinch_error* cinch_path_from_base_name(cinch_str store_dir, cinch_str base_name,
                                       cinch_path** path_out) noexcept {
  return guarded([&] {
    cinch_path*& out = deref(path_out, "path_out");
    const StoreDir directory(view(store_dir));
    out = new cinch_path(directory, StorePath::parse(view(base_name)));
  });
}

cinch_error* cinch_path_from_digest(cinch_str store_dir, cinch_str digest, cinch_str name,
                                    cinch_path** path_out) noexcept {
  return guarded([&] {
    cinch_path*& out = deref(path_out, "path_out");
    const StoreDir directory(view(store_dir));
    const cinch::Bytes bytes = cinch::as_bytes(view(digest));
    if (bytes.size() != cinch::store_path_digest_bytes) {
      throw Error(Code::invalid_argument,
                  "the digest of a store path has 20 bytes, not " + std::to_string(bytes.size()));
    }
    out = new cinch_path(directory, StorePath::from_parts(bytes, view(name)));
  });
}

cinch_error* cinch_path_find(cinch_str store_dir, cinch_str text, cinch_path** path_out,
                             size_t* rest_offset_out) noexcept {
  return guarded([&] {
    cinch_path*& out = deref(path_out, "path_out");
    size_t& rest_offset = deref(rest_offset_out, "rest_offset_out");
    const StoreDir directory(view(store_dir));
    const std::string_view given = view(text);
    const auto place = directory.find_place(given);
    out = place ? new cinch_path(directory, place->path) : nullptr;
    rest_offset = place ? given.size() - place->rest.size() : 0;
  });
}

cinch_error* cinch_path_follow(cinch_str store_dir, cinch_str file, cinch_read_link_fn read_link,
                               void* payload, cinch_text** place_out) noexcept {
  return guarded([&] {
    cinch_text*& out = deref(place_out, "place_out");
    deref(read_link, "read_link");
    const auto follow = [&](const std::string& link) -> std::optional<std::string> {
      cinch_text* target = nullptr;
      const int32_t answer = read_link(lend(link), &target, payload);
      const std::unique_ptr<cinch_text> owned(target);
      cinch::capi::check_callback(answer);
      if (!owned) return std::nullopt;
      return owned->text;
    };
    out = new cinch_text{cinch::follow_links_to_store(StoreDir(view(store_dir)),
                                                      cinch::capi::file_name(file), follow)};
  });
}

cinch_error* cinch_path_clone(const cinch_path* path, cinch_path** path_out) noexcept {
  return guarded([&] {
    cinch_path*& out = deref(path_out, "path_out");
    out = new cinch_path(deref(path, "path"));
  });
}

cinch_str cinch_path_text(const cinch_path* path) noexcept { return lend(path->text); }

cinch_str cinch_path_base_name(const cinch_path* path) noexcept {
  return lend(path->path.base_name());
}

cinch_str cinch_path_name(const cinch_path* path) noexcept { return lend(path->path.name()); }

cinch_str cinch_path_hash_part(const cinch_path* path) noexcept {
  return lend(path->path.hash_part());
}

cinch_str cinch_path_store_dir(const cinch_path* path) noexcept {
  const std::string_view text = path->text;
  return lend(text.substr(0, text.size() - path->path.base_name().size() - 1));
}

void cinch_path_digest(const cinch_path* path, uint8_t* digest_out) noexcept {
  const auto digest = path->path.digest();
  std::memcpy(digest_out, digest.data(), digest.size());
}

bool cinch_path_is_derivation(const cinch_path* path) noexcept {
  return path->path.is_derivation();
}

void cinch_path_free(cinch_path* path) noexcept { delete path; }

size_t cinch_paths_count(const cinch_paths* paths) noexcept { return paths->list.size(); }

const cinch_path* cinch_paths_at(const cinch_paths* paths, size_t index) noexcept {
  return index < paths->list.size() ? &paths->list[index] : nullptr;
}

void cinch_paths_free(cinch_paths* paths) noexcept { delete paths; }

}  // extern "C"
