// Nix's own golden store references and machines files.
#include "catch.hh"
#include "vectors.hh"

#include <cinch/core/error.hh>
#include <cinch/core/machine.hh>
#include <cinch/core/store_url.hh>

namespace cinch {

namespace {

std::string read(const std::string& name) {
  std::string text = test::read_file(test::vectors() / "nix/libstore-tests/data" / name);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

struct Case {
  std::string file;
  StoreUrl url;
  std::string printed;  // empty: as in the file
};

const std::string address = "fea5:23e1:3916:fc24:cb52:2837:2ecb:ea8e";
const std::map<std::string, std::string> a_b = {{"a", "b"}, {"c", "d"}};
const std::map<std::string, std::string> unix_parameters = {{"max-connections", "7"},
                                                            {"trusted", "true"}};
const std::string user_zone = "ssh://userinfo@[" + address + "%25eth0]?a=b&c=d";

const Case cases[] = {
    {"auto", {"auto", "", {}}, ""},
    {"auto_param", {"auto", "", {{"root", "/foo/bar/baz"}}}, ""},
    {"daemon_shorthand", {"unix", "", {}}, ""},
    {"local_1", {"local", "", {{"root", "/foo/bar/baz"}}}, ""},
    {"local_2", {"local", "/foo/bar/baz", {{"trusted", "true"}}}, ""},
    {"local_3", {"local", "", {{"root", "/foo bar/baz"}}}, ""},
    {"local_3_no_percent",
     {"local", "", {{"root", "/foo bar/baz"}}},
     "local://?root=/foo%20bar/baz"},
    {"local_shorthand_1", {"local", "", {{"root", "/foo/bar/baz"}}}, "local://?root=/foo/bar/baz"},
    {"local_shorthand_3", {"local", "", {}}, ""},
    {"local_shorthand_path_unix",
     {"local", "/foo/bar/baz", {{"trusted", "true"}}},
     "local:///foo/bar/baz?trusted=true"},
    {"ssh", {"ssh", "localhost", {}}, ""},
    {"ssh_unbracketed_ipv6_1", {"ssh", "[::1]", {}}, "ssh://[::1]"},
    {"ssh_unbracketed_ipv6_2",
     {"ssh", "userinfo@[" + address + "]", {}},
     "ssh://userinfo@[" + address + "]"},
    {"ssh_unbracketed_ipv6_3",
     {"ssh", "userinfo@[" + address + "]", a_b},
     "ssh://userinfo@[" + address + "]?a=b&c=d"},
    {"ssh_unbracketed_ipv6_4", {"ssh", "userinfo@[" + address + "%25eth0]", a_b}, user_zone},
    {"ssh_unbracketed_ipv6_5", {"ssh", "userinfo@[" + address + "%25eth0]", a_b}, ""},
    {"ssh_unbracketed_ipv6_6",
     {"ssh", "userinfo@[" + address + "%2525]", a_b},
     "ssh://userinfo@[" + address + "%2525]?a=b&c=d"},
    {"ssh_unbracketed_ipv6_7", {"ssh", "userinfo@[" + address + "%25eth0]", a_b}, user_zone},
    {"ssh_unbracketed_ipv6_8",
     {"ssh", "[" + address + "%25eth0]", a_b},
     "ssh://[" + address + "%25eth0]?a=b&c=d"},
    {"ssh_unbracketed_ipv6_9",
     {"ssh", "[" + address + "%25eth0]", {}},
     "ssh://[" + address + "%25eth0]"},
    {"unix", {"unix", "", unix_parameters}, ""},
    {"unix_shorthand", {"unix", "", unix_parameters}, "unix://?max-connections=7&trusted=true"},
};

}  // namespace

TEST_CASE("golden store references") {
  for (const Case& one : cases) {
    CAPTURE(one.file);
    const std::string text = read("store-reference/" + one.file + ".txt");
    CHECK(parse_store_url(text) == one.url);
    CHECK(print_store_url(one.url) == (one.printed.empty() ? text : one.printed));
    CHECK(parse_store_url(print_store_url(one.url)) == one.url);
  }
  // A directory of Windows has no '/'; here it is the name of nothing.
  CHECK_THROWS_AS(parse_store_url(read("store-reference/local_shorthand_path_windows.txt")), Error);
}

TEST_CASE("golden machines files") {
  const std::string text = read("machines/valid");
  const Machines parsed = parse_machines(text, {"here"});
  REQUIRE(parsed.machines.size() == 3);
  CHECK(parsed.included_files.empty());
  const Machine& first = parsed.machines[0];
  CHECK(first.store_url == "ssh://nix@scratchy.labs.cs.uu.nl");
  CHECK(first.systems == std::set<std::string>{"i686-linux"});
  CHECK(first.ssh_key == "/home/nix/.ssh/id_scratchy_auto");
  CHECK(first.jobs_max == 8);
  CHECK(first.supported_features == std::set<std::string>{"kvm"});
  CHECK(parsed.machines[1].speed_factor == 2);
  CHECK(parsed.machines[2].mandatory_features == std::set<std::string>{"benchmark"});
  CHECK(text.ends_with(parsed.machines[2].ssh_host_key));
  std::string printed;
  for (const Machine& machine : parsed.machines) printed += print_machine(machine);
  CHECK(parse_machines(printed, {}) == parsed);
  CHECK_THROWS_AS(parse_machines(read("machines/bad_format"), {}), Error);
}

}  // namespace cinch
