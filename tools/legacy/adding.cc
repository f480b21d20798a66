// nix-store --add, --add-fixed, --print-fixed-path, --dump, --restore, --init.
#include "../add_file.hh"
#include "../file_content.hh"
#include "store_call.hh"

#include <cinch/core/nar.hh>
#include <cinch/files/directory.hh>
#include <cinch/files/file_tree.hh>

#include <filesystem>

#include <unistd.h>

namespace cinch::cli {

namespace {

ContentAddressMethod method_of(const StoreCall& call) {
  call.allow_flags({"--recursive"});
  return call.has("--recursive") ? ContentAddressMethod::nar : ContentAddressMethod::flat;
}

// Adds the arguments from `first` on, and prints each path when it is there.
int add_files(StoreCall& call, std::size_t first, AddContent options) {
  const std::stop_token stop = call.stop();
  for (std::size_t at = first; at < call.arguments.size(); ++at) {
    options.name = name_of_file(call.arguments[at]);
    call.print(add_file(call.context.console, call.store(), call.arguments[at], options, stop));
  }
  return 0;
}

int run_add(StoreCall& call) {
  call.allow_flags({});
  call.store();
  return add_files(call, 0, {});
}

int run_add_fixed(StoreCall& call) {
  AddContent options;
  options.method = method_of(call);
  if (call.arguments.empty()) call.refuse("first argument must be hash algorithm");
  options.algorithm = parse_hash_algorithm(call.arguments.front());
  return add_files(call, 1, options);
}

int run_print_fixed_path(StoreCall& call) {
  const ContentAddressMethod method = method_of(call);
  call.allow_arguments(3, "'--print-fixed-path' requires three arguments");
  const HashAlgorithm algorithm = parse_hash_algorithm(call.arguments[0]);
  const Hash hash = Hash::parse(call.arguments[1], algorithm);
  call.print(
      make_content_addressed_path(call.store().store_dir(), call.arguments[2], {method, hash}));
  return 0;
}

int run_dump(StoreCall& call) {
  call.allow_flags({});
  call.allow_arguments(1, "only one argument allowed");
  write_content(call.arguments.front(), ContentAddressMethod::nar, call.context.output);
  return 0;
}

int run_restore(StoreCall& call) {
  call.allow_flags({});
  call.allow_arguments(1, "only one argument allowed");
  const std::string full_name =
      std::filesystem::absolute(call.arguments.front()).lexically_normal().string();
  const Directory parent = Directory::open(std::filesystem::path(full_name).parent_path().string());
  DescriptorSource input(STDIN_FILENO, "standard input");
  BufferedSource buffered(input);
  TreeWriter tree(parent, name_of_file(full_name));
  parse_nar(buffered, tree);
  tree.finish();
  return 0;
}

int run_init(StoreCall& call) {
  call.allow_flags({});
  call.allow_arguments(0, "no arguments expected");
  call.store();
  return 0;
}

constexpr StoreOperation table[] = {
    {"-A,--add", run_add},
    {"--add-fixed", run_add_fixed},
    {"--print-fixed-path", run_print_fixed_path},
    {"--dump", run_dump},
    {"--restore", run_restore},
    {"--init", run_init},
};

}  // namespace

constinit const std::span<const StoreOperation> adding_operations = table;

}  // namespace cinch::cli
