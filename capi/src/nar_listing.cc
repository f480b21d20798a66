#include "convert.hh"
#include "stream_handle.hh"

#include <cinch/core/nar_listing.hh>

#include <cstring>

using cinch::Code;
using cinch::Error;
using cinch::NarListing;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::lend;
using cinch::capi::view;

namespace {

struct ListingStream {
  cinch::NarListingBuilder builder;
  cinch::NarParserSink parser{builder};
};

cinch_nar_entry entry_of(const NarListing& object) {
  cinch_nar_entry entry = CINCH_NAR_ENTRY_INIT;
  entry.target = lend("");
  entry.offset_bytes = UINT64_MAX;
  if (const auto* file = object.regular()) {
    entry.kind = CINCH_NAR_FILE;
    entry.size_bytes = file->contents.size_bytes;
    entry.offset_bytes = file->contents.nar_offset.value_or(UINT64_MAX);
    entry.executable = file->executable ? 1 : 0;
  } else if (const auto* link = object.symlink()) {
    entry.kind = CINCH_NAR_SYMLINK;
    entry.target = lend(link->target);
  } else {
    entry.kind = CINCH_NAR_DIRECTORY;
  }
  return entry;
}

// As much as the caller's structure, which may be older, has room for.
void write_entry(const cinch_nar_entry& entry, cinch_nar_entry& out) {
  const std::uint32_t size = out.size;
  cinch::capi::check_options_tail(&out, sizeof entry, size);
  std::memcpy(&out, &entry, std::min<std::size_t>(sizeof entry, size));
  out.size = size;
}

}  // namespace

struct cinch_nar_lister {
  cinch::capi::StreamHandle<ListingStream> stream;
};

struct cinch_nar_listing {
  NarListing listing;
};

extern "C" {

cinch_error* cinch_nar_lister_new(cinch_nar_lister** lister_out) noexcept {
  return guarded([&] {
    cinch_nar_lister*& out = deref(lister_out, "lister_out");
    out = new cinch_nar_lister{cinch::capi::StreamHandle<ListingStream>(std::in_place)};
  });
}

cinch_error* cinch_nar_lister_write(cinch_nar_lister* lister, cinch_str nar) noexcept {
  return guarded([&] {
    deref(lister, "lister").stream.use([&](ListingStream& stream) {
      stream.parser.write(cinch::as_bytes(view(nar)));
    });
  });
}

cinch_error* cinch_nar_lister_finish(cinch_nar_lister* lister,
                                     cinch_nar_listing** listing_out) noexcept {
  return guarded([&] {
    cinch_nar_listing*& out = deref(listing_out, "listing_out");
    deref(lister, "lister").stream.finish([&](ListingStream& stream) {
      stream.parser.finish();
      out = new cinch_nar_listing{stream.builder.take()};
    });
  });
}

void cinch_nar_lister_free(cinch_nar_lister* lister) noexcept { delete lister; }

cinch_error* cinch_nar_listing_parse_json(cinch_str json,
                                          cinch_nar_listing** listing_out) noexcept {
  return guarded([&] {
    cinch_nar_listing*& out = deref(listing_out, "listing_out");
    out = new cinch_nar_listing{cinch::parse_nar_listing(view(json))};
  });
}

cinch_error* cinch_nar_listing_print_json(const cinch_nar_listing* listing,
                                          cinch_text** json_out) noexcept {
  return guarded([&] {
    cinch_text*& out = deref(json_out, "json_out");
    out = new cinch_text{cinch::print_nar_listing(deref(listing, "listing").listing)};
  });
}

cinch_error* cinch_nar_listing_find(const cinch_nar_listing* listing, cinch_str path,
                                    cinch_nar_entry* entry_out, bool* found_out) noexcept {
  return guarded([&] {
    bool& found = deref(found_out, "found_out");
    cinch_nar_entry& out = deref(entry_out, "entry_out");
    const NarListing* object = deref(listing, "listing").listing.find(view(path));
    if (object != nullptr) write_entry(entry_of(*object), out);
    found = object != nullptr;
  });
}

cinch_error* cinch_nar_listing_contents(const cinch_nar_listing* listing, cinch_str path,
                                        cinch_str nar, cinch_str* contents_out) noexcept {
  return guarded([&] {
    cinch_str& out = deref(contents_out, "contents_out");
    const std::string_view name = view(path);
    const NarListing* object = deref(listing, "listing").listing.find(name);
    if (object == nullptr) {
      throw Error(Code::not_found, "the listing has no such object").about(std::string(name));
    }
    const auto* file = object->regular();
    if (file == nullptr) {
      throw Error(Code::invalid_argument, "this is not a regular file").about(std::string(name));
    }
    out = lend(cinch::as_text(cinch::contents_in_nar(cinch::as_bytes(view(nar)), file->contents)));
  });
}

void cinch_nar_listing_free(cinch_nar_listing* listing) noexcept { delete listing; }

}  // extern "C"
