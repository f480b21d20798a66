// nix-store --export, --import.
#include "../import_archive.hh"
#include "store_call.hh"

#include <cinch/core/export_archive.hh>
#include <cinch/files/directory.hh>

#include <unistd.h>

namespace cinch::cli {

namespace {

int run_export(StoreCall& call) {
  call.allow_flags({});
  const std::stop_token stop = call.stop();
  const std::vector<StorePath> paths = call.argument_paths();
  export_paths(call.store(), {paths.begin(), paths.end()}, call.context.output, stop);
  return 0;
}

int run_import(StoreCall& call) {
  call.allow_flags({});
  call.allow_arguments(0, "no arguments expected");
  const std::stop_token stop = call.stop();
  DescriptorSource input(STDIN_FILENO, "standard input");
  for (const StorePath& path : import_archive(call.context, call.store(), input, stop)) {
    call.print(path);
  }
  return 0;
}

constexpr StoreOperation table[] = {
    {"--export", run_export},
    {"--import", run_import},
};

}  // namespace

constinit const std::span<const StoreOperation> archive_operations = table;

}  // namespace cinch::cli
