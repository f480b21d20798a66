// Garbage collection and what it needs. Stores here cannot collect garbage yet: the arguments are
// read all the same, so that the client gets a sentence and can go on.
#include "server/handlers.hh"
#include "wire/values.hh"

namespace cinch::handlers {
namespace {

[[noreturn]] void refuse(std::string_view what) {
  throw Error(Code::not_supported, "this daemon cannot " + std::string(what));
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
  session.work([] { refuse("optimise the store"); });
}

void verify_store(Session& session) {
  session.in.flag();  // check contents
  session.in.flag();  // repair
  session.work([] { refuse("verify the whole store"); });
}

}  // namespace cinch::handlers
