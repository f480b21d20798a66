#include "catch.hh"
#include "errors.hh"

#include <cinch/core/encoding.hh>

#include <random>

namespace cinch {

using test::code_of;
using test::error_of;

TEST_CASE("base16 has known answers") {
  CHECK(base16_encode(as_bytes("")) == "");
  CHECK(base16_encode(as_bytes("\x01\xfe z")) == "01fe207a");
  CHECK(base16_decode("01FE207a") == "\x01\xfe z");
}

TEST_CASE("base64 has the answers of RFC 4648") {
  const std::pair<const char*, const char*> answers[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"},
                                                         {"\xff\xef", "/+8="}};
  for (const auto& [bytes, text] : answers) {
    CHECK(base64_encode(as_bytes(bytes)) == text);
    CHECK(base64_decode(text) == bytes);
  }
}

TEST_CASE("nix32 has known answers") {
  CHECK(nix32_encode(as_bytes("")) == "");
  // What nix-hash prints for the MD5 digest of "hello".
  const std::string digest = base16_decode("5d41402abc4b2a76b9719d911017c592");
  CHECK(nix32_encode(as_bytes(digest)) == "4jqlbi14cxf6wpcajbphm40hax");
  CHECK(nix32_decode("4jqlbi14cxf6wpcajbphm40hax") == digest);
  CHECK(nix32_encode(as_bytes("\x1f")) == "0z");
}

TEST_CASE("every encoding gives back what it was given") {
  std::mt19937 random(20260);
  for (std::size_t size = 0; size < 100; ++size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    CHECK(base16_decode(base16_encode(as_bytes(bytes))) == bytes);
    CHECK(nix32_decode(nix32_encode(as_bytes(bytes))) == bytes);
    CHECK(base64_decode(base64_encode(as_bytes(bytes))) == bytes);
    CHECK(nix32_encode(as_bytes(bytes)).size() == nix32_length(size));
  }
}

TEST_CASE("unknown characters are refused with their offset") {
  CHECK(error_of([] { base16_decode("00x0"); })->offset() == 2u);
  CHECK(error_of([] { base16_decode("0g00"); })->offset() == 1u);
  for (const char c : {'e', 'o', 't', 'u', 'E', 'A', '-', '\0', '\x80', '\xff'}) {
    const std::string text = std::string("00") + c + "0";
    CAPTURE(text);
    const auto error = error_of([&] { nix32_decode(text); });
    REQUIRE(error);
    CHECK(error->code() == Code::malformed);
    CHECK(error->offset() == 2u);
  }
  CHECK(error_of([] { base64_decode("AA*A"); })->offset() == 2u);
  CHECK(code_of([] { base64_decode("AA_A"); }) == Code::malformed);
  CHECK(code_of([] { base64_decode("A\nAA"); }) == Code::malformed);
}

TEST_CASE("wrong lengths are refused") {
  CHECK(code_of([] { base16_decode("0"); }) == Code::malformed);
  for (const char* text : {"0", "000", "000000"}) {
    CAPTURE(text);
    CHECK(code_of([&] { nix32_decode(text); }) == Code::malformed);
  }
  for (const char* text : {"A", "AA", "AAA", "AAAAA", "=", "==", "====", "A===", "AA=A", "AA==AAAA",
                           "AAA=AAA=", "Zg", "Zm8"}) {
    CAPTURE(text);
    CHECK(code_of([&] { base64_decode(text); }) == Code::malformed);
  }
}

TEST_CASE("padding bits that are not zero are refused") {
  CHECK(nix32_decode("7z") == "\xff");
  CHECK(code_of([] { nix32_decode("8z"); }) == Code::malformed);
  CHECK(code_of([] { nix32_decode("zz"); }) == Code::malformed);
  CHECK(base64_decode("/w==") == "\xff");
  CHECK(code_of([] { base64_decode("/x=="); }) == Code::malformed);
  CHECK(code_of([] { base64_decode("//9="); }) == Code::malformed);
}

}  // namespace cinch
