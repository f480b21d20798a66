#include "catch.hh"
#include "errors.hh"

#include <cinch/core/store_url.hh>

#include <string>

namespace cinch {
namespace {

using Parameters = std::map<std::string, std::string>;

}  // namespace

TEST_CASE("short names, directories and URLs of stores") {
  const auto parts = [](std::string_view text) {
    const StoreUrl url = parse_store_url(text);
    return url.scheme + "|" + url.authority + "|" + std::to_string(url.parameters.size());
  };
  CHECK(parts("") == "auto||0");
  CHECK(parts("auto") == "auto||0");
  CHECK(parts("local") == "local||0");
  CHECK(parts("daemon") == "unix||0");
  CHECK(parts("daemon?max-connections=2") == "unix||1");
  CHECK(parts("/some/root") == "local|/some/root|0");
  CHECK(parts("./root?read-only=true") == "local|./root|1");
  CHECK(parts("unix:///run/socket?root=/x&store=/y") == "unix|/run/socket|2");
  CHECK(parts("local://") == "local||0");
  CHECK(parts("local://?root=/x") == "local||1");
}

TEST_CASE("parameters are percent-decoded") {
  CHECK(parse_store_url("local?root=/a%20b%2fc&state=&log=a=b").parameters ==
        Parameters{{"root", "/a b/c"}, {"state", ""}, {"log", "a=b"}});
}

TEST_CASE("bad store URLs are refused with what is wrong") {
  const auto code = [](std::string_view text) {
    return test::code_of([&] { parse_store_url(text); });
  };
  CHECK(code("remote") == Code::malformed);
  CHECK(code("local?root") == Code::malformed);
  CHECK(code("local?=x") == Code::malformed);
  CHECK(code("local?a=%") == Code::malformed);
  CHECK(code("local?a=%2") == Code::malformed);
  CHECK(code("local?a=%zz") == Code::malformed);
  CHECK(code("local?a=%00") == Code::malformed);
  CHECK(code("local?root=a&root=b") == Code::malformed);
  CHECK(code("://x") == Code::malformed);
  CHECK(code("a b://x") == Code::malformed);
  CHECK(code("auto://") == Code::malformed);
  CHECK(code("local?root=/a\nb") == Code::malformed);
  CHECK(code(std::string(store_url_bytes_max + 1, '/')) == Code::limit_exceeded);
  const auto error = test::error_of([] { parse_store_url("local?a=1&b=%zz"); });
  REQUIRE(error);
  CHECK(error->offset() == 12);
  CHECK(error->subject() == "local?a=1&b=%zz");
}

TEST_CASE("store URLs are printed as Nix prints them") {
  const auto printed = [](std::string_view text) { return print_store_url(parse_store_url(text)); };
  CHECK(printed("") == "auto");
  CHECK(printed("local://") == "local");
  CHECK(printed("unix://") == "daemon");
  CHECK(printed("daemon?root=/x") == "unix://?root=/x");
  CHECK(printed("./root?read-only=true") == "local://./root?read-only=true");
  CHECK(printed("https://cache.example/a?priority=10") == "https://cache.example/a?priority=10");
  CHECK(printed("local?b=%26%3d+%2525&a=") == "local://?a=&b=%26%3D%2B%2525");
  const auto refused = [](const StoreUrl& url) {
    return test::code_of([&] { print_store_url(url); }) == Code::invalid_argument;
  };
  CHECK(refused({.scheme = "auto", .authority = "x"}));
  CHECK(refused({.scheme = "local", .authority = "a?b=c"}));
  CHECK(refused({.scheme = "a b"}));
  CHECK(refused({.scheme = "local", .parameters = {{"", "x"}}}));
}

TEST_CASE("IPv6 addresses of ssh stores get their brackets") {
  const auto authority = [](std::string_view text) { return parse_store_url(text).authority; };
  CHECK(authority("ssh-ng://::1") == "[::1]");
  CHECK(authority("ssh://::/x") == "[::]/x");
  CHECK(authority("ssh://[::1]:22") == "[::1]:22");
  CHECK(authority("ssh://a@1:2:3:4:5:6:7:8") == "a@[1:2:3:4:5:6:7:8]");
  CHECK(authority("ssh://fe80::1%eth 0") == "[fe80::1%25eth%200]");
  for (const std::string host : {"host:22", "1:2:3", "1:2:3:4:5:6:7:8:9",
                                 "::1::", "12345::", ":1:2", "1::2:", "::g", "::1%", "[x"}) {
    CAPTURE(host);
    CHECK(authority("ssh://" + host) == host);
  }
}

}  // namespace cinch
