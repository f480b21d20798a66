#include "catch.hh"
#include "errors.hh"

#include <cinch/remote/open_store.hh>

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
  CHECK(code("https://cache.nixos.org") == Code::not_supported);
  CHECK(code("ssh-ng://host") == Code::not_supported);
  const auto error = test::error_of([] { parse_store_url("local?a=1&b=%zz"); });
  REQUIRE(error);
  CHECK(error->offset() == 12);
  CHECK(error->subject() == "local?a=1&b=%zz");
}

}  // namespace cinch
