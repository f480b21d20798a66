#include <cinch/core/error.hh>
#include <cinch/core/path_info.hh>

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

}  // namespace cinch
