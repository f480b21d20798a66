#include "state_directory.hh"

#include <cinch/core/store_url.hh>

namespace cinch::cli {

std::string state_directory(const Context& context, const Store& store) {
  // The URL of an open store says all that differs from the usual, wherever that came from.
  const StoreUrl url = parse_store_url(store.url());
  const auto parameter = [&](const std::string& name) {
    const auto found = url.parameters.find(name);
    return found == url.parameters.end() ? std::string() : found->second;
  };
  if (std::string state = parameter("state"); !state.empty()) return state;
  const std::string root = parameter("root");
  if (root.empty()) {
    if (std::string state = context.variable("NIX_STATE_DIR"); !state.empty()) return state;
  }
  return root + "/nix/var/nix";
}

}  // namespace cinch::cli
