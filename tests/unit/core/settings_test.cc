#include "catch.hh"
#include "errors.hh"

#include <cinch/core/settings.hh>

#include <algorithm>

namespace cinch {

using test::code_of;
using test::error_of;

namespace {

const std::string key_a = "a:6bCzHA3TxGFEwn3K2j1ZoPs5Q1MAvhdNOOCQ7n2+1fI=";
const std::string key_b = "b:6bCzHA3TxGFEwn3K2j1ZoPs5Q1MAvhdNOOCQ7n2+1fI=";

}  // namespace

TEST_CASE("every setting can be printed and set to what was printed") {
  Settings settings;
  const std::vector<std::string_view> names = Settings::names();
  CHECK(std::ranges::is_sorted(names));
  CHECK(names.size() == 39);
  for (const std::string_view name : names) {
    CAPTURE(name);
    const std::string before = settings.get(name);
    CHECK(settings.set(name, before));
    CHECK(settings.get(name) == before);
  }
}

TEST_CASE("settings of each type") {
  Settings settings;
  CHECK(settings.set("keep-going", "yes"));
  CHECK(settings.keep_going);
  CHECK(settings.set("keep-going", "0"));
  CHECK_FALSE(settings.keep_going);
  CHECK(settings.set("cores", "8"));
  CHECK(settings.cores == 8);
  CHECK(settings.set("max-build-log-size", "2G"));
  CHECK(settings.max_build_log_size == std::uint64_t{2} << 30);
  CHECK(settings.get("max-build-log-size") == "2147483648");
  CHECK(settings.set("max-build-log-size", "1k"));
  CHECK(settings.max_build_log_size == 1024);
  CHECK(settings.set("timeout", "90"));
  CHECK(settings.timeout == std::chrono::seconds(90));
  CHECK(settings.set("store", "local?root=/x y"));
  CHECK(settings.store == "local?root=/x y");
  CHECK(settings.set("system-features", " kvm\tbig-parallel\nkvm "));
  CHECK(settings.system_features == std::vector<std::string>{"kvm", "big-parallel"});
  CHECK(settings.set("sandbox", "relaxed"));
  CHECK(settings.sandbox == SandboxMode::relaxed);
  CHECK(settings.set("sandbox", "false"));
  CHECK(settings.sandbox == SandboxMode::off);
  CHECK(settings.set("trusted-public-keys", key_a + " " + key_b));
  CHECK(settings.trusted_public_keys.size() == 2);
  CHECK(settings.get("trusted-public-keys") == key_a + " " + key_b);
}

TEST_CASE("the number of jobs") {
  Settings settings;
  CHECK(settings.get("max-jobs") == "1");
  CHECK(settings.set("max-jobs", "auto"));
  CHECK(settings.max_jobs_auto);
  CHECK(settings.get("max-jobs") == "auto");
  CHECK(settings.set("max-jobs", "3"));
  CHECK_FALSE(settings.max_jobs_auto);
  CHECK(settings.max_jobs == 3);
  CHECK(code_of([&] { settings.set("max-jobs", "many"); }) == Code::malformed);
}

TEST_CASE("sandbox paths") {
  Settings settings;
  CHECK(settings.set("sandbox-paths", "/bin/sh=/usr/bin/busybox /usr /opt? /a=/b?"));
  CHECK(settings.sandbox_paths == std::vector<SandboxPath>{{"/bin/sh", "/usr/bin/busybox", false},
                                                           {"/usr", "/usr", false},
                                                           {"/opt", "/opt", true},
                                                           {"/a", "/b", true}});
  CHECK(settings.get("sandbox-paths") == "/bin/sh=/usr/bin/busybox /usr /opt? /a=/b?");
  for (const std::string value : {"usr", "/a=b", "=/b", "/a=", "?"}) {
    CHECK(code_of([&] { settings.set("sandbox-paths", value); }) == Code::malformed);
  }
  CHECK(settings.sandbox_paths.size() == 4);
}

TEST_CASE("lists are extended by extra-") {
  Settings settings;
  CHECK(settings.set("extra-trusted-users", "alice root"));
  CHECK(settings.trusted_users == std::vector<std::string>{"root", "alice"});
  CHECK(settings.set("extra-platforms", "i686-linux"));
  CHECK(settings.set("extra-extra-platforms", "armv7l-linux"));
  CHECK(settings.extra_platforms == std::vector<std::string>{"i686-linux", "armv7l-linux"});
  CHECK(settings.set("extra-sandbox-paths", "/usr"));
  CHECK(settings.set("extra-build-sandbox-paths", "/opt"));
  CHECK(settings.sandbox_paths.size() == 2);
  CHECK(settings.set("extra-trusted-public-keys", key_a));
  CHECK(settings.set("trusted-users", ""));
  CHECK(settings.trusted_users.empty());
  CHECK_FALSE(settings.set("extra-cores", "1"));
  CHECK_FALSE(settings.set("extra-keep-going", "true"));
  CHECK_FALSE(settings.set("extra-", ""));
  CHECK(settings.cores == 0);
}

TEST_CASE("older names") {
  Settings settings;
  CHECK(settings.set("build-max-jobs", "7"));
  CHECK(settings.max_jobs == 7);
  CHECK(settings.set("build-cores", "2"));
  CHECK(settings.cores == 2);
  CHECK(settings.set("build-use-sandbox", "false"));
  CHECK(settings.sandbox == SandboxMode::off);
  CHECK(settings.set("binary-cache-public-keys", key_a));
  CHECK(settings.trusted_public_keys.size() == 1);
  CHECK(settings.get("build-timeout") == "0");
}

TEST_CASE("values of the wrong type leave the setting as it was") {
  Settings settings;
  struct Bad {
    std::string name;
    std::string value;
  };
  for (const Bad& bad :
       {Bad{"cores", ""}, Bad{"cores", "-1"}, Bad{"cores", "1x"}, Bad{"cores", "4G"},
        Bad{"cores", "4294967296"}, Bad{"cores", " 1"}, Bad{"cores", "K"},
        Bad{"max-build-log-size", "18446744073709551616"}, Bad{"max-build-log-size", "16777216T"},
        Bad{"timeout", "5s"}, Bad{"keep-going", "True"}, Bad{"keep-going", ""},
        Bad{"sandbox", "maybe"}, Bad{"trusted-public-keys", "a:b"}}) {
    CAPTURE(bad.name, bad.value);
    const std::string before = settings.get(bad.name);
    const auto error = error_of([&] { settings.set(bad.name, bad.value); });
    REQUIRE(error);
    CHECK(error->code() == Code::malformed);
    CHECK(error->subject() == bad.name);
    CHECK(settings.get(bad.name) == before);
  }
}

TEST_CASE("names that nobody knows") {
  Settings settings;
  CHECK_FALSE(settings.set("no-such-setting", "1"));
  CHECK_FALSE(settings.set("", ""));
  CHECK(code_of([&] { settings.get("no-such-setting"); }) == Code::not_found);
}

TEST_CASE("a configuration is applied line by line") {
  Settings settings;
  const std::vector<ConfigLine> lines = {{"cores", "4", "/nix.conf", 1},
                                         {"substituters", "https://x", "/nix.conf", 2},
                                         {"extra-substituters", "y", "/nix.conf", 3},
                                         {"pure-eval", "true", "/nix.conf", 4},
                                         {"coers", "5", "/nix.conf", 5},
                                         {"cores", "6", "/nix.conf", 6}};
  const std::vector<ConfigLine> unknown = apply_config(settings, lines);
  REQUIRE(unknown.size() == 1);
  CHECK(unknown[0].name == "coers");
  CHECK(unknown[0].line == 5);
  CHECK(settings.cores == 6);
  REQUIRE(settings.others.size() == 4);
  CHECK(settings.others[3].name == "coers");
  CHECK(settings.others[3].value == "5");
  CHECK(settings.others[3].file == "/nix.conf");
  CHECK(settings.others[3].line == 5);
  CHECK(settings.find_other("coers") == "5");
  CHECK(settings.find_other("substituters") == "https://x y");
  CHECK_FALSE(settings.find_other("cores"));
  CHECK_FALSE(settings.find_other("extra"));
  const std::vector<ConfigLine> no_list = {{"extra-cores", "4", "/nix.conf", 1}};
  CHECK(apply_config(settings, no_list).size() == 1);
  CHECK_FALSE(settings.find_other("cores"));
  CHECK(settings.find_other("extra-cores") == "4");

  const std::vector<ConfigLine> bad = {{"cores", "x", "/nix.conf", 9}};
  const auto error = error_of([&] { apply_config(settings, bad); });
  REQUIRE(error);
  CHECK(std::string(error->what()).starts_with("/nix.conf:9: "));
}

}  // namespace cinch
