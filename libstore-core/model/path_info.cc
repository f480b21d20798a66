#include <cinch/core/error.hh>
#include <cinch/core/path_info.hh>

#include <nlohmann/json.hpp>

namespace cinch {

std::string PathInfo::fingerprint(const StoreDir& store_dir) const {
  if (nar_size == 0) {
    throw Error(Code::invalid_argument, "a path without a NAR size cannot be signed")
        .about(store_dir.print(path));
  }
  std::string text = "1;" + store_dir.print(path) + ";" + nar_hash.to_string(HashFormat::nix32) +
                     ";" + std::to_string(nar_size) + ";";
  bool first = true;
  for (const StorePath& reference : references) {
    if (!first) text += ',';
    first = false;
    text += store_dir.print(reference);
  }
  return text;
}

References PathInfo::split_references() const {
  References result{.others = references};
  result.self = result.others.erase(path) != 0;
  return result;
}

bool PathInfo::is_content_addressed(const StoreDir& store_dir) const {
  if (!content_address) return false;
  try {
    return path == make_content_addressed_path(store_dir, path.name(), *content_address,
                                               split_references());
  } catch (const Error& error) {
    // No path follows from such content and references, so it cannot be this one.
    if (error.code() == Code::invalid_argument) return false;
    throw;
  }
}

// What is unknown is null, never left out.
std::string print_path_info_json(const PathInfo& info, const StoreDir& store_dir,
                                 std::optional<std::uint64_t> closure_size) {
  nlohmann::json json = {{"ca", nullptr},
                         {"deriver", nullptr},
                         {"narHash", info.nar_hash.to_string(HashFormat::sri)},
                         {"narSize", info.nar_size},
                         {"references", nlohmann::json::array()},
                         {"registrationTime", nullptr},
                         {"signatures", nlohmann::json::array()},
                         {"storeDir", store_dir.text()},
                         {"ultimate", info.ultimate},
                         {"version", 1}};
  if (info.content_address) json["ca"] = info.content_address->to_string();
  if (closure_size) json["closureSize"] = *closure_size;
  if (info.deriver) json["deriver"] = store_dir.print(*info.deriver);
  for (const StorePath& reference : info.references) {
    json["references"].push_back(store_dir.print(reference));
  }
  if (info.registration_time != 0) json["registrationTime"] = info.registration_time;
  for (const Signature& signature : info.signatures) {
    json["signatures"].push_back(signature.to_string());
  }
  return json.dump();
}

}  // namespace cinch
