#include "convert.hh"

#include <cinch/core/build_result.hh>
#include <cinch/core/deriving_path.hh>
#include <cinch/core/model_json.hh>

using cinch::BuildResult;
using cinch::StoreDir;
using cinch::StorePath;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::view;

namespace {

cinch_outputs outputs_of(const StoreDir& store_dir, const BuildResult& result) {
  const std::map<std::string, std::optional<StorePath>> outputs(result.outputs.begin(),
                                                                result.outputs.end());
  return {store_dir, outputs};
}

}  // namespace

cinch_build_result::cinch_build_result(const StoreDir& store_dir, BuildResult value)
    : result(std::move(value)), outputs(outputs_of(store_dir, result)) {}

extern "C" {

cinch_error* cinch_build_result_parse_json(cinch_str store_dir, cinch_str wanted, cinch_str json,
                                           cinch_build_result** result_out) noexcept {
  return guarded([&] {
    cinch_build_result*& out = deref(result_out, "result_out");
    const StoreDir directory(view(store_dir));
    const auto path = cinch::parse_deriving_path(view(wanted), directory);
    out = new cinch_build_result(directory, cinch::parse_build_result_json(view(json), path));
  });
}

cinch_error* cinch_build_result_print_json(const cinch_build_result* result,
                                           cinch_text** json_out) noexcept {
  return guarded([&] {
    cinch_text*& out = deref(json_out, "json_out");
    out = new cinch_text{cinch::print_build_result_json(deref(result, "result").result)};
  });
}

void cinch_build_result_free(cinch_build_result* result) noexcept { delete result; }

}  // extern "C"
