#include "catch.hh"
#include "errors.hh"

#include <cinch/core/machine.hh>

#include <limits>

namespace cinch {

using test::code_of;
using test::error_of;

namespace {

using Names = std::set<std::string>;

const Names here = {"x86_64-linux"};

Machine only(std::string_view text) {
  const Machines machines = parse_machines(text, here);
  REQUIRE(machines.machines.size() == 1);
  return machines.machines[0];
}

}  // namespace

TEST_CASE("a machine that is only a host") {
  const Machine expected{.store_url = "ssh://nix@host", .systems = here};
  CHECK(only("nix@host") == expected);
  CHECK(only("nix@host - - - - - - -") == expected);
  CHECK(only("ssh-ng://host").store_url == "ssh-ng://host");
  CHECK(only("host:2222").store_url == "ssh://host:2222");
  for (const std::string local : {"/some/root", "auto", "daemon", "local?root=/x", "unix:///s"}) {
    CHECK(only(local).store_url == local);
  }
}

TEST_CASE("all fields of a machine") {
  const std::string line =
      "ssh-ng://host i686-linux,x86_64-linux /key 8 2.5 big-parallel,kvm benchmark c3NoLQ==\n";
  const Machine machine = only(line);
  CHECK(machine.systems == Names{"i686-linux", "x86_64-linux"});
  CHECK(machine.ssh_key == "/key");
  CHECK(machine.jobs_max == 8);
  CHECK(machine.speed_factor == 2.5);
  CHECK(machine.supported_features == Names{"big-parallel", "kvm"});
  CHECK(machine.mandatory_features == Names{"benchmark"});
  CHECK(machine.ssh_host_key == "c3NoLQ==");
  CHECK(print_machine(machine) == line);
  CHECK(print_machine({.store_url = "ssh://h"}) == "ssh://h - - 1 1 - - -\n");
}

TEST_CASE("entries, comments and files") {
  const Machines machines = parse_machines(
      "  # a comment ; still the comment\n\n ;;; \n a\t-  ; b # c ; d\r\n@/etc/nix/machines ; "
      "@more\n",
      here);
  REQUIRE(machines.machines.size() == 2);
  CHECK(machines.machines[1].store_url == "ssh://b");
  CHECK(machines.included_files == std::vector<std::string>{"/etc/nix/machines", "more"});
  CHECK(parse_machines("", here) == Machines{});
}

TEST_CASE("lists of machines that are refused") {
  for (const std::string text :
       {"-", "- x86_64-linux", "@", "h - - eight", "h - - -1", "h - - 4294967296", "h - - 8 three",
        "h - - 8 -3", "h - - 8 nan", "h - - 8 inf", "h - - 8 1e3", "h - - 8 3 - - BAD_BASE64",
        "h - - 8 3 - - - x"}) {
    CAPTURE(text);
    CHECK(code_of([&] { parse_machines(text, here); }) == Code::malformed);
  }
  CHECK(code_of([] { parse_machines(std::string(machines_bytes_max + 1, '#'), here); }) ==
        Code::limit_exceeded);
  const auto error = error_of([] { parse_machines("a\nb - - x", here); });
  REQUIRE(error);
  CHECK(error->offset() == 8);
  CHECK(error->message().starts_with("line 2: "));
}

TEST_CASE("machines that no line describes") {
  const double infinite = std::numeric_limits<double>::infinity();
  for (const Machine& machine :
       {Machine{}, Machine{.store_url = "@x"}, Machine{.store_url = "a b"},
        Machine{.store_url = "a", .systems = {"a,b"}}, Machine{.store_url = "a", .ssh_key = "-"},
        Machine{.store_url = "a", .speed_factor = infinite},
        Machine{.store_url = "a", .supported_features = {""}}}) {
    CHECK(code_of([&] { print_machine(machine); }) == Code::invalid_argument);
  }
}

}  // namespace cinch
