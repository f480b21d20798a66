// One call of nix-store: an operation, its flags and its arguments.
#pragma once

#include "../context.hh"
#include "programs.hh"

#include <cinch/core/path_info.hh>

#include <initializer_list>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace cinch::cli {

struct StoreCall {
  Context& context;
  std::vector<LegacyWord> flags;  // those that are not for all operations
  std::vector<std::string> arguments;
  std::optional<std::string> add_root;  // as it was given
  bool prints = true;                   // not with --no-output

  bool has(std::string_view flag) const;
  // Each throws Code::invalid_argument for what the operation does not take.
  void allow_flags(std::initializer_list<std::string_view> names) const;
  void allow_arguments(std::size_t count, std::string_view message) const;
  [[noreturn]] void refuse(const std::string& message) const { context.refuse(message); }

  // What Ctrl-C asks to stop; from then on it no longer ends the process at once. To be asked for
  // before the store is.
  std::stop_token stop();
  Store& store();  // opened by the first who asks
  std::string shown(const StorePath& path) { return store().store_dir().print(path); }
  void print(const StorePath& path) { context.output.line(shown(path)); }
  // The store path that an argument is, lies below, or leads to as a symlink.
  StorePath path_of(const std::string& argument);
  std::vector<StorePath> argument_paths();

  std::unique_ptr<Store> opened;
  std::optional<std::stop_token> begun;
  std::size_t roots_made = 0;
};

// Both names, if there are two, with a comma between.
struct StoreOperation {
  std::string_view names;
  int (*run)(StoreCall& call);  // returns the exit status
};

extern const std::span<const StoreOperation> adding_operations;
extern const std::span<const StoreOperation> archive_operations;
extern const std::span<const StoreOperation> derivation_operations;
extern const std::span<const StoreOperation> garbage_operations;
extern const std::span<const StoreOperation> keeping_operations;
extern const std::span<const StoreOperation> query_operations;
extern const std::span<const StoreOperation> realise_operations;
extern const std::span<const StoreOperation> registering_operations;
extern const std::span<const StoreOperation> serving_operations;
extern const std::span<const StoreOperation> validity_operations;

}  // namespace cinch::cli
