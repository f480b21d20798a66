// `<state>/gc-socket/socket`, where a running collector hears of new roots.
#pragma once

#include <cinch/files/directory.hh>

#include <string>

namespace cinch::local {

std::string collector_socket_name(const Directory& state);  // for messages

// Takes the place of one that a killed collector left. REQUIRES: this process holds `gc.lock`
// exclusively.
Descriptor listen_as_collector(const Directory& state);
void remove_collector_socket(const Directory& state) noexcept;

// Empty if no collector runs.
Descriptor connect_to_collector(const Directory& state);

}  // namespace cinch::local
