// Work that tells the client, while it goes on, how it goes.
#pragma once

#include "server/event_relay.hh"
#include "server/handlers.hh"

#include <stop_token>

namespace cinch::handlers {

// Calls `work(events, stop)` and returns what it returns. `stop` is asked for when the client is
// gone, too.
template <class Work>
auto with_events(Session& session, Work work) {
  session.flush();  // from here on, the relay's thread writes to the socket
  std::stop_source stop;
  const std::stop_callback on_stop(session.stop, [&stop] { stop.request_stop(); });
  EventRelay relay(session.socket, {.dialect = session.dialect,
                                    .verbosity = session.verbosity,
                                    .next_activity = session.next_activity,
                                    .on_gone = [&stop] { stop.request_stop(); }});
  auto result = work(relay, stop.get_token());
  relay.finish();
  return result;
}

}  // namespace cinch::handlers
