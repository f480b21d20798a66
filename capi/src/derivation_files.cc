#include "convert.hh"

#include <cinch/core/derivation_files.hh>
#include <cinch/core/error.hh>

#include <vector>

using cinch::Code;
using cinch::Error;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::view;

extern "C" {

cinch_error* cinch_derivation_files_check(cinch_str store_dir, const cinch_derivation_file* files,
                                          size_t count, cinch_text** report_out) noexcept {
  return guarded([&] {
    cinch_text*& out = deref(report_out, "report_out");
    if (files == nullptr && count > 0) {
      throw Error(Code::invalid_argument, "files is NULL although count is not 0");
    }
    std::vector<cinch::DerivationFile> given;
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < count; ++i) {
      given.push_back({view(files[i].base_name), view(files[i].aterm)});
      names.push_back(given.back().base_name);
    }
    const auto report = cinch::check_derivation_files(given, cinch::StoreDir(view(store_dir)));
    out = new cinch_text{cinch::print_derivation_files_json(report, names)};
  });
}

}  // extern "C"
