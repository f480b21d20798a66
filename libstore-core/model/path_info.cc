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

// The order of the fields is that of Nix 2.8, which leaves out what is unknown or false.
std::string print_path_info_json(const PathInfo& info, const StoreDir& store_dir,
                                 std::optional<std::uint64_t> closure_size) {
  nlohmann::ordered_json json;
  json["path"] = store_dir.print(info.path);
  json["narHash"] = info.nar_hash.to_string(HashFormat::sri);
  json["narSize"] = info.nar_size;
  json["references"] = nlohmann::ordered_json::array();
  for (const StorePath& reference : info.references) {
    json["references"].push_back(store_dir.print(reference));
  }
  if (info.content_address) json["ca"] = info.content_address->to_string();
  if (closure_size) json["closureSize"] = *closure_size;
  if (info.deriver) json["deriver"] = store_dir.print(*info.deriver);
  if (info.registration_time != 0) json["registrationTime"] = info.registration_time;
  if (info.ultimate) json["ultimate"] = true;
  for (const Signature& signature : info.signatures) {
    json["signatures"].push_back(signature.to_string());
  }
  return json.dump();
}

}  // namespace cinch
