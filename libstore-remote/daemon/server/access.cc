#include "server/access.hh"

#include <algorithm>
#include <cerrno>
#include <vector>

#include <grp.h>
#include <pwd.h>

namespace cinch {
namespace {

constexpr std::size_t entry_bytes_max = std::size_t{1} << 20;
constexpr int groups_max = 65536;

std::string user_name(uid_t user) {
  std::vector<char> buffer(4096);
  passwd entry{};
  passwd* found = nullptr;
  while (::getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) == ERANGE &&
         buffer.size() < entry_bytes_max) {
    buffer.resize(buffer.size() * 4);
  }
  return found ? found->pw_name : std::to_string(user);
}

std::string group_name(gid_t group) {
  std::vector<char> buffer(4096);
  ::group entry{};
  ::group* found = nullptr;
  while (::getgrgid_r(group, &entry, buffer.data(), buffer.size(), &found) == ERANGE &&
         buffer.size() < entry_bytes_max) {
    buffer.resize(buffer.size() * 4);
  }
  return found ? found->gr_name : std::to_string(group);
}

std::vector<gid_t> groups_of(const std::string& user, gid_t primary) {
  int count = 64;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  while (::getgrouplist(user.c_str(), primary, groups.data(), &count) < 0) {
    if (count > groups_max) return {primary};
    groups.resize(static_cast<std::size_t>(count));
  }
  groups.resize(static_cast<std::size_t>(count));
  return groups;
}

}  // namespace

User look_up_user(const transport::PeerCredentials& peer) {
  User user{.name = user_name(peer.user), .groups = {}};
  for (const gid_t group : groups_of(user.name, peer.group)) user.groups.insert(group_name(group));
  return user;
}

bool matches(std::span<const std::string> list, const User& user) {
  return std::any_of(list.begin(), list.end(), [&](const std::string& entry) {
    if (entry == "*" || entry == user.name) return true;
    return entry.starts_with('@') && user.groups.contains(entry.substr(1));
  });
}

Access decide_access(const AccessRules& rules, const transport::PeerCredentials& peer,
                     const User& user) {
  const bool trusted =
      peer.user == 0 || peer.user == rules.own_user || matches(rules.trusted_users, user);
  if (!trusted && !matches(rules.allowed_users, user)) return Access::refused;
  return rules.force_trust.value_or(trusted) ? Access::trusted : Access::allowed;
}

}  // namespace cinch
