// `<state>/gc-socket/socket`, where a running collector hears of new roots.
#pragma once

#include <cinch/files/directory.hh>

#include <string>

namespace cinch::local {

std::string collector_socket_name(const Directory& state);  // for messages

// Makes sure that there is a socket, if only one that refuses connections. Nix 2.8 takes a missing
// one for the absence of a collector, even if it has found `gc.lock` held; one that refuses it asks
// again. So it must be there before the lock is taken, and is never removed.
void prepare_collector_socket(const Directory& state);
// Takes the place of the one that is there. REQUIRES: this process holds `gc.lock` exclusively.
Descriptor listen_as_collector(const Directory& state);

// Empty if no collector runs.
Descriptor connect_to_collector(const Directory& state);

}  // namespace cinch::local
