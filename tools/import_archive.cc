#include "import_archive.hh"

#include "counted_streams.hh"
#include "progress_line.hh"

#include <cinch/core/export_archive.hh>
#include <cinch/files/file_spool.hh>

namespace cinch::cli {

std::vector<StorePath> import_archive(Context& context, Store& store, Source& archive,
                                      std::stop_token stop) {
  ProgressLine line(context.console, {.doing = "importing"});
  CountedSource counted(archive, line, stop);
  BufferedSource source(counted);
  const std::string temporary = context.variable("TMPDIR");
  const auto make_spool = [&] {
    return std::make_unique<FileSpool>(temporary.empty() ? "/tmp" : temporary);
  };
  return import_paths(store, source,
                      {.policy = SignaturePolicy::accept_unsigned, .make_spool = make_spool}, stop);
}

}  // namespace cinch::cli
