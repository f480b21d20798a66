// Garbage collection, what it needs, and keeping the store in order. Garbage cannot be collected
// through a daemon yet: the arguments are read all the same, so that the client gets a sentence and
// can go on.
#include "server/handlers.hh"
#include "server/with_events.hh"
#include "wire/values.hh"

#include <cinch/core/maintenance.hh>

#include <string>

namespace cinch::handlers {
namespace {

[[noreturn]] void refuse(std::string_view what) {
  throw Error(Code::not_supported, "this daemon cannot " + std::string(what));
}

void say(Session& session, const std::string& text) {
  wire::write_message(session.out, wire::LogText{text + "\n"});
}

// Whether any is left.
bool tell_problems(Session& session, const VerifyReport& report) {
  bool left = report.other_problems || (!report.damaged_links.empty() && !report.links_removed);
  for (const std::string& message : report.messages) say(session, message);
  for (const VerifyProblem& problem : report.problems) {
    left = left || !problem.solved;
    say(session, "path '" + session.store.store_dir().print(problem.path) +
                     "': " + problem.message + (problem.solved ? " (solved)" : ""));
  }
  for (const std::string& link : report.damaged_links) {
    say(session, "the content of the link '" + link + "' is not what its name says");
  }
  return left;
}

}  // namespace

void add_temp_root(Session& session) {
  const StorePath path = wire::read_path(session.in, session.dialect);
  session.work([&] { session.store.add_temporary_roots({&path, 1}); });
  session.out.number(1);
}

void add_indirect_root(Session& session) {
  const std::string link = session.in.text(wire::name_bytes_max);
  session.work([&] {
    require_capability<RootStore>(session.store, "register roots").add_indirect_root(link);
  });
  session.out.number(1);
}

void sync_with_gc(Session& session) {
  session.work([] {});
  session.out.number(1);
}

void add_permanent_root(Session& session) {
  wire::read_path(session.in, session.dialect);
  session.in.text(wire::name_bytes_max);  // the link
  session.work([] { refuse("make permanent roots"); });
}

void find_roots(Session& session) {
  session.work([] { refuse("list the roots of the garbage collector"); });
}

void collect_garbage(Session& session) {
  session.in.number();  // what to do
  wire::read_paths(session.in, session.dialect);
  session.in.flag();    // ignore liveness
  session.in.number();  // bytes to free
  for (int obsolete = 0; obsolete < 3; ++obsolete) session.in.number();
  session.work([] { refuse("collect garbage"); });
}

void optimise_store(Session& session) {
  session.work([&] {
    const OptimiseReport report =
        require_capability<MaintenanceStore>(session.store, "optimise the store")
            .optimise({}, session.stop);
    say(session, std::to_string(report.bytes_saved) + " bytes freed by hard-linking " +
                     std::to_string(report.files_linked) + " files");
  });
  session.out.number(1);
}

// As Nix has it: what is gone and not needed is forgotten by whoever asks; only who is trusted may
// have something repaired.
void verify_store(Session& session) {
  const bool check_contents = session.in.flag();
  const bool repair = session.in.flag();
  const bool problems_left = session.work([&] {
    if (repair && !session.trusted) {
      throw Error(Code::permission_denied, "only a trusted user may repair the store");
    }
    auto& keeper = require_capability<MaintenanceStore>(session.store, "verify the whole store");
    VerifyOptions options{.check_contents = check_contents, .forget_gone = true, .repair = repair};
    if (!repair) return tell_problems(session, keeper.verify(options, {}, session.stop));
    options.builder = &session.realiser;
    return tell_problems(session,
                         with_events(session, [&](EventSink& events, const std::stop_token& stop) {
                           options.events = &events;
                           return keeper.verify(options, {}, stop);
                         }));
  });
  session.out.number(problems_left ? 1 : 0);
}

}  // namespace cinch::handlers
