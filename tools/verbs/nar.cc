// nar pack, nar ls, nar cat.
#include "../context.hh"
#include "../file_content.hh"
#include "../tree_listing.hh"
#include "../verbs.hh"

#include <cinch/core/error.hh>
#include <cinch/files/descriptor.hh>
#include <cinch/files/directory.hh>

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace cinch::cli {

namespace {

int run_pack(Context& context) {
  if (context.output.is_terminal()) {
    throw Error(Code::invalid_argument, "a NAR is not for terminals")
        .hint("send it to a file or a program: cinch nar pack PATH > FILE");
  }
  write_content(context.arguments.positional().front(), ContentAddressMethod::nar, context.output);
  return 0;
}

// Streams the NAR file through `walk`; "-" is standard input.
void walk_file(const std::string& file, NarWalk& walk) {
  const std::string shown = file == "-" ? "standard input" : file;
  Descriptor opened;
  if (file != "-") {
    opened = Descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!opened) throw system_error(errno, "cannot open", file);
  }
  try {
    DescriptorSource source(opened ? opened.get() : STDIN_FILENO, shown);
    copy_stream(source, walk);
    walk.finish();
  } catch (Error& error) {
    error.set_subject_if_empty(shown);
    throw;
  }
}

int run_ls(Context& context) {
  const std::vector<std::string>& given = context.arguments.positional();
  const std::string path = given.size() > 1 ? given[1] : "/";
  const std::string inner = inner_path(path);
  NarListing listing;
  walk_file(given[0], listing);
  print_listing(context.output, listing.take(), inner, path, listing_options(context));
  return 0;
}

int run_cat(Context& context) {
  const std::string& file = context.arguments.positional()[0];
  const std::string& path = context.arguments.positional()[1];
  NarExtract extract(inner_path(path), context.output);
  walk_file(file, extract);
  if (!extract.found()) {
    throw Error(Code::not_found, "path '" + path + "' does not exist").about(file);
  }
  if (extract.found()->type != NodeType::regular) {
    throw Error(Code::invalid_argument, "path '" + path + "' is not a regular file").about(file);
  }
  return 0;
}

constexpr Verb table[] = {
    {"nar pack",
     "Write the NAR of a file or directory to standard output",
     "PATH",
     1,
     1,
     "The older name 'nar dump-path' works too.",
     "cinch nar pack ./src > src.nar",
     {},
     run_pack},
    {"nar ls", "List what is in a NAR file", "NAR [PATH]", 1, 2,
     "PATH is absolute, seen from the root of the NAR; without it, the root is listed. With "
     "--json, narOffset is where a file's bytes lie in the NAR.",
     "cinch nar ls -lR src.nar /", listing_option_table, run_ls},
    {"nar cat",
     "Print a file that is in a NAR file",
     "NAR PATH",
     2,
     2,
     "PATH is absolute, seen from the root of the NAR.",
     "cinch nar cat src.nar /main.c",
     {},
     run_cat},
};

}  // namespace

constinit const std::span<const Verb> nar_verbs = table;

}  // namespace cinch::cli
