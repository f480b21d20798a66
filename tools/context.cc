#include "context.hh"

#include <cinch/core/error.hh>
#include <cinch/local/local_store.hh>

namespace cinch::cli {

std::unique_ptr<Store> Context::open_store() {
  std::unique_ptr<Store> store = cinch::open_store(settings.store, settings, environment);
  if (const auto* local = dynamic_cast<const LocalStore*>(store.get())) {
    for (const LostPath& lost : local->lost_paths()) {
      console.warn(
          "'" + store->store_dir().print(lost.path) +
          "' was damaged when the machine stopped, and is not valid any more: " + lost.message);
    }
  }
  return store;
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

bool Context::colours_on_output() const {
  return output.is_terminal() && variable("TERM") != "dumb" && variable("NO_COLOR").empty();
}

void Context::refuse(const std::string& message) const {
  throw Error(Code::invalid_argument, message)
      .hint("see 'cinch " + std::string(verb.name) + " --help'");
}

}  // namespace cinch::cli
