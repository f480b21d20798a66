#include "catch.hh"
#include "errors.hh"
#include "join.hh"

#include <cinch/core/hash.hh>

namespace cinch {

using test::code_of;
using test::error_of;
using test::join;

namespace {

struct Answer {
  HashAlgorithm algorithm;
  const char* base16;
  const char* nix32;
  const char* sri;
};

// Of the bytes "hello", as nix-hash of Nix 2.8.0 prints them.
constexpr Answer hello[] = {
    {HashAlgorithm::md5, "5d41402abc4b2a76b9719d911017c592", "4jqlbi14cxf6wpcajbphm40hax",
     "md5-XUFAKrxLKna5cZ2REBfFkg=="},
    {HashAlgorithm::sha1, "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d",
     "9m1skbnr5i43n3yypvda5s65vhfwdx5a", "sha1-qvTGHdzF6KLavt4PO0gs2a6pQ00="},
    {HashAlgorithm::sha256, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
     "094qif9n4cq4fdg459qzbhg1c6wywawwaaivx0k0x8xhbyx4vwic",
     "sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="},
    {HashAlgorithm::sha512,
     "9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca7"
     "2323c3d99ba5c11d7c7acc6e14b8c5da0c4663475c2e5c3adef46f73bcdec043",
     "11w1pmwfdpz9pisbhp5qiv38q6dmidq2ipcqykw3p0sb6yrqcij79rwcwcjbxyzwbdal349qbxrncbk7pmd6snljrfpiw"
     "v"
     "2pljd4wcv",
     "sha512-m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/"
     "3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw="
     "="}};

}  // namespace

TEST_CASE("hashes have known answers in every form") {
  for (const Answer& answer : hello) {
    const Hash hash = hash_bytes(answer.algorithm, as_bytes("hello"));
    const std::string prefix = std::string(to_string(answer.algorithm)) + ":";
    CHECK(hash.digest_text(HashFormat::base16) == answer.base16);
    CHECK(hash.to_string(HashFormat::base16) == prefix + answer.base16);
    CHECK(hash.to_string(HashFormat::nix32) == prefix + answer.nix32);
    CHECK(hash.to_string(HashFormat::sri) == answer.sri);
    const std::string base64 = hash.digest_text(HashFormat::base64);
    CHECK(hash.to_string(HashFormat::base64) == prefix + base64);

    for (const std::string& digest :
         {std::string(answer.base16), std::string(answer.nix32), base64}) {
      CAPTURE(digest);
      CHECK(Hash::parse(prefix + digest) == hash);
      CHECK(Hash::parse(prefix + digest, answer.algorithm) == hash);
      CHECK(Hash::parse(digest, answer.algorithm) == hash);
      CHECK(Hash::parse_digest(digest, answer.algorithm) == hash);
      CHECK(code_of([&] { Hash::parse(digest); }) == Code::malformed);
    }
    CHECK(Hash::parse(answer.sri) == hash);
    CHECK(Hash::parse(answer.sri, answer.algorithm) == hash);
  }
}

TEST_CASE("algorithm names") {
  for (const Answer& answer : hello) {
    CHECK(parse_hash_algorithm(to_string(answer.algorithm)) == answer.algorithm);
  }
  for (const char* name : {"", "sha-256", "SHA256", "sha2560", "blake3"}) {
    CHECK(code_of([&] { parse_hash_algorithm(name); }) == Code::malformed);
  }
}

TEST_CASE("hashes of another algorithm than expected are refused") {
  CHECK(code_of([] { Hash::parse(hello[1].sri, HashAlgorithm::sha256); }) == Code::malformed);
  CHECK(code_of([] { Hash::parse(hello[1].nix32, HashAlgorithm::sha256); }) == Code::malformed);
  const std::string prefixed = join({"sha1:", hello[1].nix32});
  const auto error = error_of([&] { Hash::parse(prefixed, HashAlgorithm::sha256); });
  REQUIRE(error);
  CHECK(error->code() == Code::malformed);
  CHECK(error->message() == "the hash is of type sha1, but sha256 is expected");
}

TEST_CASE("malformed hashes are refused with an offset in the whole text") {
  const std::string base16 = hello[2].base16;
  const std::string zeros(100000, '0');
  const std::string texts[] = {"",
                               "sha256",
                               "sha256:",
                               "sha256-",
                               zeros,
                               join({":", base16}),
                               join({"sha256:", base16.substr(1)}),
                               join({"sha256:", base16, "0"}),
                               join({"sha256:sha256:", base16}),
                               join({"sha257:", base16}),
                               join({"sha256-", base16}),
                               join({"sha256 ", base16}),
                               join({hello[2].sri, "?option"}),
                               join({"sha256-", hello[2].nix32}),
                               std::string(hello[2].sri).substr(0, 50),
                               join({"sha256:", zeros})};
  for (const std::string& text : texts) {
    CAPTURE(text.substr(0, 100));
    CHECK(code_of([&] { Hash::parse(text); }) == Code::malformed);
  }
  std::string bad = join({"sha256:", base16});
  bad[20] = 'x';
  CHECK(error_of([&] { Hash::parse(bad); })->offset() == 20u);
  bad = hello[2].sri;
  bad[9] = '*';
  CHECK(error_of([&] { Hash::parse(bad); })->offset() == 9u);
}

TEST_CASE("an error about a long text stays short") {
  const auto error = error_of([] { Hash::parse(join({"sha256:", std::string(1000000, '0')})); });
  REQUIRE(error);
  CHECK(error->subject().size() < 1000);
}

TEST_CASE("a digest must have the length of its algorithm") {
  CHECK(code_of([] { Hash(HashAlgorithm::sha256, as_bytes("short")); }) == Code::invalid_argument);
}

TEST_CASE("hashing in parts equals hashing at once") {
  const std::string text(1000, 'x');
  for (const std::size_t part : {1, 7, 64, 999}) {
    Hasher hasher(HashAlgorithm::sha256);
    for (std::size_t i = 0; i < text.size(); i += part) {
      hasher.write(as_bytes(std::string_view(text).substr(i, part)));
    }
    CHECK(hasher.size_bytes() == text.size());
    CHECK(hasher.finish() == hash_bytes(HashAlgorithm::sha256, as_bytes(text)));
  }
  CHECK(Hasher(HashAlgorithm::sha256).finish().digest_text(HashFormat::base16) ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("hashes are ordered by algorithm, then digest") {
  const Hash md5 = hash_bytes(HashAlgorithm::md5, as_bytes("hello"));
  const Hash sha1 = hash_bytes(HashAlgorithm::sha1, as_bytes("hello"));
  CHECK(md5 < sha1);
  CHECK(md5 != sha1);
  CHECK(md5 == Hash(md5));
}

}  // namespace cinch
