// Who may connect, and who is trusted.
#pragma once

#include "transport/socket.hh"

#include <optional>
#include <set>
#include <span>
#include <string>

namespace cinch {

// A user by the names that settings use. Numbers stand for names that nobody knows.
struct User {
  std::string name;
  std::set<std::string> groups;
};

// Asks the system's user database, which may take long: not in the thread that accepts clients.
User look_up_user(const transport::PeerCredentials& peer);

// Whether a list of "name", "@group" and "*" holds the user.
bool matches(std::span<const std::string> list, const User& user);

enum class Access : std::uint8_t { refused, allowed, trusted };

struct AccessRules {
  std::span<const std::string> trusted_users;
  std::span<const std::string> allowed_users;
  uid_t own_user;
  std::optional<bool> force_trust = std::nullopt;
};
// Root and the daemon's own user are always allowed, and trusted unless the rules force something.
Access decide_access(const AccessRules& rules, const transport::PeerCredentials& peer,
                     const User& user);

}  // namespace cinch
