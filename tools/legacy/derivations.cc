// nix-store --print-env, --read-log.
#include "../build_log.hh"
#include "store_call.hh"

#include <cinch/core/error.hh>

namespace cinch::cli {

namespace {

// In single quotes, whatever is in it.
std::string shell_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

int run_print_env(StoreCall& call) {
  call.allow_flags({});
  call.allow_arguments(1, "'--print-env' requires one derivation store path");
  const StorePath path = call.path_of(call.arguments.front());
  const Derivation derivation = call.store().read_derivation(path);
  for (const auto& [name, value] : derivation.environment) {
    call.context.output.line("export " + name + "; " + name + "=" + shell_quoted(value));
  }
  // Quotes in quotes, which a shell reads as words without spaces; this is how Nix writes them.
  std::string words;
  for (const std::string& argument : derivation.arguments) {
    words += (words.empty() ? "" : " ") + shell_quoted(argument);
  }
  call.context.output.line("export _args; _args='" + words + "'");
  return 0;
}

int run_read_log(StoreCall& call) {
  call.allow_flags({});
  for (const std::string& argument : call.arguments) {
    print_build_log(call.store(), OpaquePath{call.path_of(argument)}, call.context.output);
  }
  return 0;
}

constexpr StoreOperation table[] = {
    {"--print-env", run_print_env},
    {"-l,--read-log", run_read_log},
};

}  // namespace

constinit const std::span<const StoreOperation> derivation_operations = table;

}  // namespace cinch::cli
