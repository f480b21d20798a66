#include "server/access.hh"

#include "catch.hh"

#include <string>
#include <vector>

#include <unistd.h>

namespace cinch {
namespace {

using List = std::vector<std::string>;

const User alice{.name = "alice", .groups = {"users", "wheel"}};

Access decide(const List& trusted, const List& allowed, uid_t user) {
  return decide_access({.trusted_users = trusted, .allowed_users = allowed, .own_user = 500},
                       {.user = user, .group = 100, .process = 1}, alice);
}

}  // namespace

TEST_CASE("lists of users know names, groups and everybody") {
  CHECK(matches(List{"alice"}, alice));
  CHECK(matches(List{"bob", "@wheel"}, alice));
  CHECK(matches(List{"*"}, alice));
  CHECK_FALSE(matches(List{}, alice));
  CHECK_FALSE(matches(List{"bob", "@admin", "wheel", "@alice"}, alice));
}

TEST_CASE("who is trusted, allowed and refused") {
  CHECK(decide({}, {}, 0) == Access::trusted);
  CHECK(decide({}, {}, 500) == Access::trusted);
  CHECK(decide({"@wheel"}, {}, 1000) == Access::trusted);
  CHECK(decide({"root"}, {"*"}, 1000) == Access::allowed);
  CHECK(decide({"root"}, {"bob"}, 1000) == Access::refused);
}

TEST_CASE("trust may be forced, but not the right to connect") {
  const auto forced = [&](bool trust, uid_t user, const List& allowed) {
    return decide_access(
        {.trusted_users = {}, .allowed_users = allowed, .own_user = 500, .force_trust = trust},
        {.user = user, .group = 100, .process = 1}, alice);
  };
  for (const uid_t user : {0, 500, 1000}) {
    CAPTURE(user);
    CHECK(forced(false, user, {"*"}) == Access::allowed);
    CHECK(forced(true, user, {"*"}) == Access::trusted);
  }
  CHECK(forced(false, 0, {}) == Access::allowed);
  CHECK(forced(false, 1000, {}) == Access::refused);
  CHECK(forced(true, 1000, {}) == Access::refused);
}

TEST_CASE("the system knows root, and nobody knows a number out of the blue") {
  const User root = look_up_user({.user = 0, .group = 0, .process = 1});
  CHECK(root.name == "root");
  CHECK(root.groups.contains("root"));
  CHECK(look_up_user({.user = 4000000001, .group = 4000000002, .process = 1}).name == "4000000001");
}

}  // namespace cinch
