// Path infos and narinfos in JSON: what is printed, in any format, is read as the same again.
#include "fuzz.hh"

#include <cinch/core/path_info_json.hh>

using namespace cinch;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const StoreDir store_dir;
  const StorePath path = StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo");
  const std::string_view input = fuzz::as_input(data, size);
  for (const auto format : {PathInfoFormat::v1, PathInfoFormat::v2, PathInfoFormat::v3}) {
    fuzz::refusals_are_fine([&] {
      const PathInfo info = parse_path_info_json(input, path, store_dir);
      const std::string text = print_path_info_json(info, store_dir, {.format = format});
      fuzz::require(parse_path_info_json(text, path, store_dir) == info);
    });
    fuzz::refusals_are_fine([&] {
      const NarInfo narinfo = parse_narinfo_json(input, path, store_dir);
      const std::string text = print_narinfo_json(narinfo, store_dir, {.format = format});
      fuzz::require(parse_narinfo_json(text, path, store_dir) == narinfo);
    });
    fuzz::refusals_are_fine([&] {
      const auto infos = parse_path_infos_json(input, store_dir);
      std::vector<PathInfoEntry> entries;
      for (const auto& [one, info] : infos) entries.push_back({one, info, std::nullopt});
      const std::string text = print_path_infos_json(entries, store_dir, format);
      fuzz::require(parse_path_infos_json(text, store_dir) == infos);
    });
  }
  return 0;
}
