#include "serve/commands.hh"
#include "serve/values.hh"
#include "wire/buffered_sink.hh"

#include <cinch/core/closure.hh>

#include <algorithm>
#include <span>
#include <vector>

namespace cinch::serve::commands {

void query_valid_paths(Session& session) {
  const bool lock = session.in.flag();
  session.in.flag();  // fetch what is missing: nothing is fetched, and the client sees it missing
  const StorePathSet paths = wire::read_paths(session.in, session.dialect);
  if (lock && session.options.write_allowed) {
    const std::vector<StorePath> roots(paths.begin(), paths.end());
    session.store.add_temporary_roots(roots);
  }
  wire::write_paths(session.out, session.dialect, session.store.find_valid(paths));
}

void query_path_infos(Session& session) {
  const StorePathSet asked = wire::read_paths(session.in, session.dialect);
  const std::vector<StorePath> paths(asked.begin(), asked.end());
  for (std::span<const StorePath> left = paths; !left.empty();) {
    const auto some = left.first(std::min(infos_at_once, left.size()));
    left = left.subspan(some.size());
    for (const std::optional<PathInfo>& info : session.store.find(some)) {
      if (!info) continue;
      wire::write_path(session.out, session.dialect, info->path);
      write_path_info(session.out, session.dialect, session.minor, *info);
    }
    session.flush();
  }
  session.out.text("");
}

// What can be known is asked before the NAR begins, which nothing but its end can follow.
void dump_store_path(Session& session) {
  const StorePath path = wire::read_path(session.in, session.dialect);
  session.store.require(path);
  wire::BufferedSink sink(session.output);
  session.store.read_nar(path, sink, session.stop);
  sink.flush();
}

void export_paths(Session& session) {
  session.in.number();  // obsolete: whether to sign
  const StorePathSet paths = wire::read_paths(session.in, session.dialect);
  wire::BufferedSink sink(session.output);
  cinch::export_paths(session.store, paths, sink, session.stop);
  sink.flush();
}

void query_closure(Session& session) {
  const bool with_outputs = session.in.flag();
  const StorePathSet roots = wire::read_paths(session.in, session.dialect);
  if (with_outputs) {
    return wire::write_paths(session.out, session.dialect,
                             compute_closure_with_outputs(session.store, roots));
  }
  StorePathSet closure;
  for (const auto& [path, info] : compute_closure(session.store, roots)) closure.insert(path);
  wire::write_paths(session.out, session.dialect, closure);
}

}  // namespace cinch::serve::commands
