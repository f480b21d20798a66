#include "convert.hh"
#include "model_handles.hh"

#include <cinch/core/narinfo.hh>
#include <cinch/core/path_info_json.hh>

using cinch::Code;
using cinch::Error;
using cinch::NarInfo;
using cinch::NarInfoDialect;
using cinch::StoreDir;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::lend;
using cinch::capi::view;

struct cinch_narinfo {
  cinch_narinfo(StoreDir directory, NarInfo value)
      : store_dir(std::move(directory)), narinfo(std::move(value)), info(store_dir, narinfo.info) {
    file_hashes.reserve(narinfo.downloads.size());  // they are lent
    for (const cinch::NarDownload& download : narinfo.downloads) {
      file_hashes.push_back(
          download.file_hash ? download.file_hash->to_string(cinch::HashFormat::sri) : "");
      downloads.push_back({.size = sizeof(cinch_nar_download),
                           .has_file_size = download.file_size ? 1U : 0U,
                           .url = lend(download.url),
                           .compression = lend(download.compression),
                           .file_hash = lend(file_hashes.back()),
                           .file_size_bytes = download.file_size.value_or(0)});
    }
    for (const auto& [name, content] : narinfo.other_fields) {
      fields.push_back({lend(name), lend(content)});
    }
  }
  cinch_narinfo(const cinch_narinfo&) = delete;
  cinch_narinfo& operator=(const cinch_narinfo&) = delete;

  StoreDir store_dir;
  NarInfo narinfo;
  cinch_path_info info;
  std::vector<std::string> file_hashes;
  std::vector<cinch_nar_download> downloads;
  std::vector<cinch_variable> fields;
};

namespace {

NarInfoDialect narinfo_dialect(std::uint32_t number) {
  if (number == CINCH_NARINFO_NIX) return NarInfoDialect::nix;
  if (number == CINCH_NARINFO_GUIX) return NarInfoDialect::guix;
  throw Error(Code::invalid_argument,
              "there is no dialect of narinfos with the number " + std::to_string(number));
}

}  // namespace

extern "C" {

cinch_error* cinch_narinfo_parse(cinch_str store_dir, cinch_str text,
                                 cinch_narinfo** narinfo_out) noexcept {
  return guarded([&] {
    cinch_narinfo*& out = deref(narinfo_out, "narinfo_out");
    const StoreDir directory(view(store_dir));
    out = new cinch_narinfo(directory, cinch::parse_narinfo(view(text), directory));
  });
}

cinch_error* cinch_narinfo_parse_json(const cinch_path* path, cinch_str json,
                                      cinch_narinfo** narinfo_out) noexcept {
  return guarded([&] {
    cinch_narinfo*& out = deref(narinfo_out, "narinfo_out");
    const cinch_path& subject = deref(path, "path");
    const StoreDir directory = cinch::capi::store_dir_of(subject);
    out = new cinch_narinfo(directory,
                            cinch::parse_narinfo_json(view(json), subject.path, directory));
  });
}

cinch_error* cinch_narinfo_print(const cinch_narinfo* narinfo, uint32_t dialect,
                                 cinch_text** text_out) noexcept {
  return guarded([&] {
    cinch_text*& out = deref(text_out, "text_out");
    const cinch_narinfo& handle = deref(narinfo, "narinfo");
    out = new cinch_text{
        cinch::print_narinfo(handle.narinfo, handle.store_dir, narinfo_dialect(dialect))};
  });
}

cinch_error* cinch_narinfo_print_json(const cinch_narinfo* narinfo, uint32_t format,
                                      cinch_text** json_out) noexcept {
  return guarded([&] {
    cinch_text*& out = deref(json_out, "json_out");
    const cinch_narinfo& handle = deref(narinfo, "narinfo");
    out = new cinch_text{cinch::print_narinfo_json(
        handle.narinfo, handle.store_dir, {.format = cinch::capi::path_info_format(format)})};
  });
}

cinch_error* cinch_narinfo_add_signature(cinch_narinfo* narinfo, cinch_str signature) noexcept {
  return guarded([&] {
    cinch_narinfo& handle = deref(narinfo, "narinfo");
    handle.info.add_signature(cinch::Signature::parse(view(signature)));
    handle.narinfo.info.signatures = handle.info.info.signatures;
  });
}

const cinch_path_info* cinch_narinfo_info(const cinch_narinfo* narinfo) noexcept {
  return &narinfo->info;
}

size_t cinch_narinfo_downloads_count(const cinch_narinfo* narinfo) noexcept {
  return narinfo->downloads.size();
}

const cinch_nar_download* cinch_narinfo_download_at(const cinch_narinfo* narinfo,
                                                    size_t index) noexcept {
  return index < narinfo->downloads.size() ? &narinfo->downloads[index] : nullptr;
}

size_t cinch_narinfo_fields_count(const cinch_narinfo* narinfo) noexcept {
  return narinfo->fields.size();
}

cinch_variable cinch_narinfo_field_at(const cinch_narinfo* narinfo, size_t index) noexcept {
  return cinch::capi::variable_at(narinfo->fields, index);
}

cinch_str cinch_narinfo_guix_signature(const cinch_narinfo* narinfo) noexcept {
  const auto& signature = narinfo->narinfo.guix_signature;
  return lend(signature ? std::string_view(signature->expression) : "");
}

cinch_str cinch_narinfo_guix_signed_text(const cinch_narinfo* narinfo) noexcept {
  const auto& signature = narinfo->narinfo.guix_signature;
  return lend(signature ? std::string_view(signature->signed_text) : "");
}

void cinch_narinfo_free(cinch_narinfo* narinfo) noexcept { delete narinfo; }

}  // extern "C"
