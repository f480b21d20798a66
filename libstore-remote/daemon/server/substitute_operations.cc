// What could be fetched: nothing, as this daemon has no stores to fetch from.
#include "server/handlers.hh"
#include "wire/values.hh"

namespace cinch::handlers {

void query_substitutable_path_info(Session& session) {
  wire::read_path(session.in, session.dialect);
  session.work([] {});
  session.out.flag(false);
}

void query_substitutable_path_infos(Session& session) {
  for (std::uint64_t left = session.in.count(wire::list_count_max); left > 0; --left) {
    wire::read_path(session.in, session.dialect);
    session.in.text(wire::name_bytes_max);  // its content address, if it has one
  }
  session.work([] {});
  session.out.number(0);
}

void query_substitutable_paths(Session& session) {
  wire::read_paths(session.in, session.dialect);
  session.work([] {});
  session.out.number(0);
}

}  // namespace cinch::handlers
