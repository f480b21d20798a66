#include "json_node.hh"

#include <cinch/core/derivation_files.hh>

#include <utility>

namespace cinch {

std::string print_derivation_files_json(const DerivationFilesReport& report,
                                        std::span<const std::string_view> names) {
  Json mismatches = Json::array();
  for (const auto& [file, fact, message] : report.mismatches) {
    mismatches.push_back({{"file", names[file]}, {"what", to_string(fact)}, {"message", message}});
  }
  const Json object = {{"files", report.files},
                       {"pathsRight", report.paths_right},
                       {"outputsRight", report.outputs_right},
                       {"reprintsRight", report.reprints_right},
                       {"mismatches", std::move(mismatches)}};
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace cinch
