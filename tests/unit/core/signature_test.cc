#include "catch.hh"
#include "errors.hh"

#include <cinch/core/encoding.hh>
#include <cinch/core/signature.hh>

#include <thread>
#include <vector>

namespace cinch {

using test::code_of;
using test::error_of;

namespace {

// Made by nix 2.8.0: `nix key generate-secret --key-name test-1`, convert-secret-to-public, and
// `nix store sign` of a path with this fingerprint.
const std::string secret_text =
    "test-1:BbmdewUKutZ9VZAwxZFZGfSieW1CBN+zpge0UlLfodfpsLMcDdPEYUTCfcraPVmg+zlDUwC+F0044JDufb7V8g"
    "==";
const std::string public_text = "test-1:6bCzHA3TxGFEwn3K2j1ZoPs5Q1MAvhdNOOCQ7n2+1fI=";
const std::string signature_text =
    "test-1:BML/1WG6wz16mQTTlEUXUkgZfcl2y1YtPGvVfnDWkwr2vpbiBT9JLeGqB7X6tZ3Tp76Zpr/"
    "gUo2tmPZ8zt7IDA==";
const std::string fingerprint =
    "1;/nix/store/00kpsxncgjfb2rigx1cnc618vydzl9v4-tr;"
    "sha256:1pj7swf7dl5z165j08n7vjgj9mvvrz3f878avc96lyxk3zjzfl6r;288;";

}  // namespace

TEST_CASE("keys and signatures of Nix") {
  const SecretKey secret = SecretKey::parse(secret_text);
  CHECK(secret.name() == "test-1");
  CHECK(secret.to_string() == secret_text);
  CHECK(secret.public_key().to_string() == public_text);
  CHECK(secret.public_key() == PublicKey::parse(public_text));
  CHECK(secret.sign(fingerprint).to_string() == signature_text);
  const Signature signature = Signature::parse(signature_text);
  CHECK(signature.to_string() == signature_text);
  CHECK(PublicKey::parse(public_text).verifies(fingerprint, signature));
}

TEST_CASE("a signature holds for its key, its name and its message") {
  const PublicKey key = PublicKey::parse(public_text);
  const Signature good = Signature::parse(signature_text);
  CHECK_FALSE(key.verifies(fingerprint + ";", good));
  CHECK_FALSE(key.verifies("", good));
  Signature other_name = good;
  other_name.key_name = "test-2";
  CHECK_FALSE(key.verifies(fingerprint, other_name));
  for (std::size_t byte = 0; byte < signature_bytes; ++byte) {
    Signature changed = good;
    changed.bytes[byte] ^= std::byte{1};
    CHECK_FALSE(key.verifies(fingerprint, changed));
  }
  CHECK_FALSE(SecretKey::generate("test-1").public_key().verifies(fingerprint, good));
}

TEST_CASE("new keys sign and come back from text") {
  SecretKey secret = SecretKey::generate("new");
  CHECK(secret.to_string() != SecretKey::generate("new").to_string());
  const Signature signature = SecretKey::parse(secret.to_string()).sign("message");
  CHECK(secret.public_key().verifies("message", signature));
  const SecretKey moved = std::move(secret);
  CHECK(moved.public_key().verifies("message", moved.sign("message")));
  CHECK(code_of([] { SecretKey::generate(""); }) == Code::invalid_argument);
  CHECK(code_of([] { SecretKey::generate("a:b"); }) == Code::invalid_argument);
  CHECK(code_of([] { SecretKey::generate("a b"); }) == Code::invalid_argument);
}

TEST_CASE("texts that are no signatures or keys") {
  for (const std::string& text :
       {std::string(), std::string("test-1"), std::string("test-1:"),
        ":" + signature_text.substr(7), signature_text + "=",
        signature_text.substr(0, signature_text.size() - 2), signature_text + "\n",
        "test-1: " + signature_text.substr(7), public_text, "a:" + signature_text,
        "a " + signature_text, "\t" + signature_text, std::string(1, '\0') + signature_text}) {
    CAPTURE(text);
    CHECK(code_of([&] { Signature::parse(text); }) == Code::malformed);
  }
  CHECK(code_of([] { PublicKey::parse(signature_text); }) == Code::malformed);
  CHECK(code_of([] { PublicKey::parse(public_text + "A"); }) == Code::malformed);
}

TEST_CASE("a bad secret key is refused and not quoted") {
  const std::string digits = secret_text.substr(7);
  std::string unpadded = secret_text.substr(0, secret_text.size() - 2);
  // A public half that does not belong to the seed: signing with it would give the seed away.
  std::string foreign = base64_decode(digits);
  foreign[40] = static_cast<char>(foreign[40] ^ 1);
  // libsodium's decoder takes this byte for a slash.
  std::string strange =
      "a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8DoQe/884Qvh1w3RjnS8CZZ+TWMJulDV8d3IZkElUxuA==";
  CHECK(SecretKey::parse(strange).to_string() == strange);
  strange[strange.find('/')] = '\xaf';
  for (const std::string& text : {"test-1:" + base64_encode(as_bytes(foreign)), unpadded, strange,
                                  secret_text + "=", secret_text + " ", digits}) {
    const auto error = error_of([&] { SecretKey::parse(text); });
    REQUIRE(error);
    CHECK(error->code() == Code::malformed);
    CHECK(std::string(error->what()).find(digits.substr(0, 10)) == std::string::npos);
  }
}

TEST_CASE("valid signatures are counted by key") {
  const SecretKey one = SecretKey::generate("one");
  const SecretKey two = SecretKey::generate("two");
  const SecretKey stranger = SecretKey::generate("stranger");
  const std::vector<PublicKey> trusted = {one.public_key(), two.public_key(), one.public_key()};
  const auto count = [&](const std::vector<Signature>& signatures) {
    return count_valid_signatures(trusted, "message", signatures);
  };
  CHECK(count({}) == 0);
  CHECK(count({one.sign("message"), one.sign("message")}) == 1);
  CHECK(count({one.sign("message"), two.sign("message"), stranger.sign("message")}) == 2);
  CHECK(count({one.sign("other"), stranger.sign("message")}) == 0);
}

TEST_CASE("keys may be used from several threads at once") {
  std::vector<std::jthread> threads;
  std::array<bool, 4> results{};
  for (bool& result : results) {
    threads.emplace_back([&result] {
      const SecretKey key = SecretKey::generate("k");
      result = key.public_key().verifies("message", key.sign("message"));
    });
  }
  threads.clear();
  CHECK(results == std::array{true, true, true, true});
}

TEST_CASE("files of keys") {
  const SecretKey first = SecretKey::generate("a");
  const SecretKey second = SecretKey::generate("b");
  CHECK(parse_secret_key_file(first.to_string() + "\n").to_string() == first.to_string());
  CHECK(parse_secret_key_file(" " + first.to_string() + " \r\n").name() == "a");
  const std::string text =
      first.public_key().to_string() + "\n\n  " + second.public_key().to_string();
  CHECK(parse_public_keys(text) == std::vector{first.public_key(), second.public_key()});
  CHECK(parse_public_keys(" \n").empty());
  CHECK(test::code_of([] { parse_secret_key_file("\n"); }) == Code::malformed);
  CHECK(test::code_of([&] { parse_secret_key_file(first.to_string() + " x"); }) == Code::malformed);
  const auto error = test::error_of([&] { parse_public_keys(text + " c:d"); });
  REQUIRE(error);
  CHECK(error->offset() == text.size() + 4);  // where base64 of 32 bytes would go on
}

}  // namespace cinch
