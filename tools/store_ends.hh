// The two stores of verbs that move objects from one to another.
#pragma once

#include "context.hh"

#include <memory>
#include <string_view>

namespace cinch::cli {

struct Ends {
  std::unique_ptr<Store> from;
  std::unique_ptr<Store> to;
};

// The one that is not given is the store of --store.
inline Ends open_ends(Context& context) {
  const auto open = [&](std::string_view option) {
    const auto url = context.arguments.value(option);
    return url ? open_store(*url, context.settings, context.environment) : context.open_store();
  };
  return {.from = open("--from"), .to = open("--to")};
}

constexpr Option from_store = {"--from", "URL",
                               "the store to copy from (default: that of --store)"};
constexpr Option to_store = {"--to", "URL", "the store to copy to (default: that of --store)"};

}  // namespace cinch::cli
