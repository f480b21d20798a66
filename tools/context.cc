#include "context.hh"

#include <cinch/core/error.hh>

namespace cinch::cli {

std::unique_ptr<Store> Context::open_store() {
  return cinch::open_store(settings.store, settings, environment);
}

std::string Context::variable(const std::string& name) const {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

StoreDir Context::store_dir() const {
  if (const auto given = arguments.value("--store-dir")) return StoreDir(*given);
  const std::string directory = variable("NIX_STORE_DIR");
  return directory.empty() ? StoreDir() : StoreDir(directory);
}

void Context::refuse(const std::string& message) const {
  throw Error(Code::invalid_argument, message)
      .hint("see 'cinch " + std::string(verb.name) + " --help'");
}

}  // namespace cinch::cli
