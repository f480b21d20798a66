#include "installable.hh"

#include <cinch/core/error.hh>
#include <cinch/core/realised_outputs.hh>

#include <filesystem>
#include <system_error>

namespace cinch::cli {

namespace {

// How many symlinks may lead to each other before we give up, as the kernel does.
constexpr int symlinks_max = 40;

// The first component of `path` that is a symlink is replaced by what it leads to; empty if none
// is.
std::filesystem::path follow_first_symlink(const std::filesystem::path& path) {
  std::filesystem::path prefix;
  for (auto component = path.begin(); component != path.end(); ++component) {
    prefix /= *component;
    std::error_code error;
    if (!std::filesystem::is_symlink(prefix, error)) continue;
    std::filesystem::path result =
        prefix.parent_path() / std::filesystem::read_symlink(prefix, error);
    if (error) return {};
    while (++component != path.end()) result /= *component;
    return result;
  }
  return {};
}

// Follows symlinks until the name is in the store directory. The kernel cannot do that for us: a
// store may have a root of its own, so that links into it lead nowhere.
std::string resolved(const std::string& text, const StoreDir& store_dir) {
  std::filesystem::path path = std::filesystem::absolute(text);
  for (int step = 0; step < symlinks_max && !path.empty(); ++step) {
    std::string normal = path.lexically_normal().string();
    if (store_dir.containing(normal)) return normal;
    path = follow_first_symlink(path);
  }
  return text;
}

[[noreturn]] void refuse(const std::string& text, const StoreDir& store_dir) {
  throw Error(Code::invalid_argument, "'" + text + "' is not a path in the store")
      .hint("write a path in " + store_dir.text() + ", a link to one, or DRV^OUTPUT");
}

}  // namespace

PathBelow parse_path_below(const std::string& text, const StoreDir& store_dir) {
  const std::string full = store_dir.containing(text) ? text : resolved(text, store_dir);
  const std::optional<StorePath> path = store_dir.containing(full);
  if (!path) refuse(text, store_dir);
  return {*path, full.substr(store_dir.print(*path).size())};
}

DerivingPath parse_installable(const std::string& text, const StoreDir& store_dir) {
  const std::size_t caret = text.rfind('^');
  if (caret == std::string::npos) return OpaquePath{parse_path_below(text, store_dir).path};
  const PathBelow derivation = parse_path_below(text.substr(0, caret), store_dir);
  if (!derivation.below.empty()) refuse(text, store_dir);
  return parse_deriving_path(store_dir.print(derivation.path) + text.substr(caret), store_dir);
}

std::map<std::string, StorePath> output_paths(Store& store, const BuiltPath& built) {
  const Derivation derivation = store.read_derivation(built.derivation);
  const std::string shown = store.store_dir().print(built.derivation);
  if (const auto* names = std::get_if<std::set<std::string>>(&built.outputs)) {
    for (const std::string& name : *names) {
      if (derivation.outputs.contains(name)) continue;
      throw Error(Code::not_found, "the derivation has no output '" + name + "'").about(shown);
    }
  }
  std::map<std::string, StorePath> paths;
  for (const auto& [name, path] : find_output_paths(store, built.derivation, derivation)) {
    if (!wants_output(built.outputs, name)) continue;
    if (!path) {
      throw Error(Code::invalid_derivation, "the path of output '" + name + "' is not known")
          .about(shown);
    }
    paths.emplace(name, *path);
  }
  return paths;
}

StorePathSet installable_paths(Store& store, const std::vector<std::string>& texts) {
  StorePathSet paths;
  for (const std::string& text : texts) {
    const DerivingPath wanted = parse_installable(text, store.store_dir());
    if (const auto* opaque = std::get_if<OpaquePath>(&wanted)) {
      paths.insert(opaque->path);
      continue;
    }
    for (const auto& [name, path] : output_paths(store, std::get<BuiltPath>(wanted))) {
      paths.insert(path);
    }
  }
  return paths;
}

StorePath installable_path(Store& store, const std::string& text) {
  const StorePathSet paths = installable_paths(store, {text});
  if (paths.size() == 1) return *paths.begin();
  throw Error(Code::invalid_argument, "'" + text + "' means more than one path")
      .hint("name one output: DRV^OUTPUT");
}

}  // namespace cinch::cli
