#include "store_call.hh"

#include "../installable.hh"

#include <algorithm>

namespace cinch::cli {

bool StoreCall::has(std::string_view flag) const {
  return std::ranges::any_of(flags, [&](const LegacyWord& word) { return word.text == flag; });
}

void StoreCall::allow_flags(std::initializer_list<std::string_view> names) const {
  for (const LegacyWord& flag : flags) {
    if (std::ranges::find(names, flag.text) == names.end()) {
      refuse("unknown flag '" + flag.text + "'");
    }
  }
}

void StoreCall::allow_arguments(std::size_t count, std::string_view message) const {
  if (arguments.size() != count) refuse(std::string(message));
}

std::stop_token StoreCall::stop() {
  if (!begun) begun = context.interruption.begin();
  return *begun;
}

Store& StoreCall::store() {
  if (!opened) opened = context.open_store();
  return *opened;
}

StorePath StoreCall::path_of(const std::string& argument) {
  return parse_path_below(argument, store().store_dir()).path;
}

std::vector<StorePath> StoreCall::argument_paths() {
  std::vector<StorePath> paths;
  for (const std::string& argument : arguments) paths.push_back(path_of(argument));
  return paths;
}

}  // namespace cinch::cli
