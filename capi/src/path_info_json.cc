#include "convert.hh"
#include "model_handles.hh"

#include <cinch/core/path_info_json.hh>

using cinch::StoreDir;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::view;

namespace cinch::capi {

PathInfoFormat path_info_format(std::uint32_t number) {
  if (number >= 1 && number <= 3) return static_cast<PathInfoFormat>(number);
  throw Error(Code::not_supported,
              "there is no JSON format of path infos with the number " + std::to_string(number))
      .hint("use 1, 2 or 3");
}

StoreDir store_dir_of(const cinch_path& path) {
  return StoreDir(view(cinch_path_store_dir(&path)));
}

}  // namespace cinch::capi

extern "C" {

cinch_error* cinch_path_info_parse_json(const cinch_path* path, cinch_str json,
                                        cinch_path_info** info_out) noexcept {
  return guarded([&] {
    cinch_path_info*& out = deref(info_out, "info_out");
    const cinch_path& subject = deref(path, "path");
    const StoreDir store_dir = cinch::capi::store_dir_of(subject);
    out = new cinch_path_info(store_dir,
                              cinch::parse_path_info_json(view(json), subject.path, store_dir));
  });
}

cinch_error* cinch_path_info_print_json(const cinch_path_info* info, uint32_t format,
                                        cinch_text** json_out) noexcept {
  return guarded([&] {
    cinch_text*& out = deref(json_out, "json_out");
    const cinch_path_info& handle = deref(info, "info");
    out = new cinch_text{
        cinch::print_path_info_json(handle.info, cinch::capi::store_dir_of(handle.path),
                                    {.format = cinch::capi::path_info_format(format)})};
  });
}

cinch_error* cinch_path_info_fingerprint(const cinch_path_info* info,
                                         cinch_text** text_out) noexcept {
  return guarded([&] {
    cinch_text*& out = deref(text_out, "text_out");
    const cinch_path_info& handle = deref(info, "info");
    out = new cinch_text{handle.info.fingerprint(cinch::capi::store_dir_of(handle.path))};
  });
}

cinch_error* cinch_path_info_add_signature(cinch_path_info* info, cinch_str signature) noexcept {
  return guarded(
      [&] { deref(info, "info").add_signature(cinch::Signature::parse(view(signature))); });
}

bool cinch_path_info_is_content_addressed(const cinch_path_info* info) noexcept {
  bool answer = false;
  // What has no path at all is not at the right one; and no memory is no proof.
  cinch_error_free(guarded(
      [&] { answer = info->info.is_content_addressed(cinch::capi::store_dir_of(info->path)); }));
  return answer;
}

void cinch_path_info_free(cinch_path_info* info) noexcept { delete info; }

cinch_error* cinch_path_infos_parse_json(cinch_str store_dir, cinch_str json,
                                         cinch_path_infos** infos_out) noexcept {
  return guarded([&] {
    cinch_path_infos*& out = deref(infos_out, "infos_out");
    const StoreDir directory(view(store_dir));
    auto infos = std::make_unique<cinch_path_infos>();
    for (const auto& [path, info] : cinch::parse_path_infos_json(view(json), directory)) {
      auto& slot = infos->list.emplace_back();
      if (info) slot.emplace(directory, *info);
    }
    out = infos.release();
  });
}

}  // extern "C"
