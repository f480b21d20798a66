// store export, store import.
#include "../context.hh"
#include "../counted_streams.hh"
#include "../import_archive.hh"
#include "../installable.hh"
#include "../progress_line.hh"
#include "../verbs.hh"

#include <cinch/core/closure.hh>
#include <cinch/core/error.hh>
#include <cinch/core/export_archive.hh>
#include <cinch/files/directory.hh>

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace cinch::cli {

namespace {

int run_export(Context& context) {
  if (context.output.is_terminal()) {
    throw Error(Code::invalid_argument, "an archive is not for terminals")
        .hint("send it to a file or a program: cinch store export PATH > FILE");
  }
  const std::stop_token stop = context.interruption.begin();
  const std::unique_ptr<Store> store = context.open_store();
  StorePathSet paths = installable_paths(*store, context.arguments.positional());
  std::uint64_t bytes = 0;
  if (context.has("--recursive")) {
    for (const auto& [path, info] : compute_closure(*store, paths)) {
      paths.insert(path);
      bytes += info.nar_size;
    }
  }
  ProgressLine line(context.console, {.doing = "exporting"});
  line.update({.bytes_expected = bytes});
  CountedSink sink(context.output, line);
  export_paths(*store, paths, sink, stop);
  return 0;
}

int run_import(Context& context) {
  const std::stop_token stop = context.interruption.begin();
  const std::string file =
      context.arguments.positional().empty() ? "-" : context.arguments.positional().front();
  const Descriptor opened(file == "-" ? -1 : ::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (file != "-" && !opened) throw system_error(errno, "cannot open", file);
  DescriptorSource input(opened ? opened.get() : STDIN_FILENO, opened ? file : "standard input");
  const std::unique_ptr<Store> store = context.open_store();
  const std::vector<StorePath> paths = import_archive(context, *store, input, stop);
  for (const StorePath& path : paths) context.output.line(store->store_dir().print(path));
  return 0;
}

constexpr Option export_options[] = {
    {"-r,--recursive", "", "export the whole closures, as importing elsewhere needs them"}};

constexpr Verb table[] = {
    {"store export", "Write store objects as one archive to standard output", "PATH...", 1,
     any_number,
     "Writes exactly these objects, references first, as nix-store --export does. An object that "
     "was modified is refused.",
     "cinch store export -r ./result > hello.export", export_options, run_export},
    {"store import",
     "Add the store objects of an archive to the store",
     "[FILE]",
     0,
     1,
     "Reads what 'store export' or nix-store --export wrote, from FILE or standard input, and "
     "prints the paths. Archives have no signatures: import only what comes from somebody whom "
     "you trust.",
     "cinch store import < hello.export",
     {},
     run_import},
};

}  // namespace

constinit const std::span<const Verb> store_export_verbs = table;

}  // namespace cinch::cli
