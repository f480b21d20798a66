#include "catch.hh"
#include "errors.hh"

#include <cinch/core/encoding.hh>
#include <cinch/core/guix_signature.hh>
#include <cinch/core/narinfo.hh>
#include <cinch/core/sexp.hh>

namespace cinch {

using test::code_of;

namespace {

const std::string message =
    "StorePath: /gnu/store/sbldylj3clbkc0aqvjjzfa6slp4zdvlj-hello-2.12.1\n"
    "NarHash: sha256:1pj7swf7dl5z165j08n7vjgj9mvvrz3f878avc96lyxk3zjzfl6r\n"
    "NarSize: 226560\n"
    "References: \n"
    "Deriver: 5c1ph2pncrgd6cbcb6wfz4lmp2iqk2ih-hello-2.12.1.drv\n"
    "System: x86_64-linux\n";

// Made by libgcrypt 1.10.1 over `message`, with the key and the data that Guix gives it.
const std::string public_key =
    "(public-key \n (ecc \n  (curve Ed25519)\n  (q "
    "#B45317A047628C22910E3BD52FF95E50324DEED016F6B07728E23DBF4642FA24#)\n  )\n )\n";
const std::string data =
    "(data \n (flags rfc6979)\n (hash sha256 "
    "#87827E536A5931B34C69266B1C14DAF6C9BC1B503DA79331A69B0171518F18B3#)\n )\n";
const std::string value =
    "(sig-val \n (ecdsa \n  (r "
    "#0A3A67948B5742A87BF8716437F562ED05AE9ECAE89A39C069F6BA7E6D126958#)\n"
    "  (s #06051DD3216F08FBA97F0715C260EF055088547C80F382CA05C43B4ED2AEBA56#)\n  )\n )\n";
const std::string ecdsa = "(signature " + data + value + public_key + ")";

// The same with the flag eddsa.
const std::string eddsa =
    "(signature (data (flags eddsa) (hash-algo sha512) (value "
    "#87827E536A5931B34C69266B1C14DAF6C9BC1B503DA79331A69B0171518F18B3#))"
    "(sig-val (eddsa (r #84688C6E031E973FBBD3604751DACD2100CEBF218E54F8A558040ADF17A97813#)"
    "(s #46D71A71ACDC1F83E55B7CFB447B094C7B1C8058AE58C741398BD7A88662BB08#)))"
    "(public-key (ecc (curve Ed25519) (flags eddsa) (q "
    "#38AB8090A9E16A56E13A45388DDC7C346E2006751BA94F2279BC2946FE5D5BE8#))))";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  text.replace(text.find(from), from.size(), to);
  return text;
}

std::optional<Code> refusal(const std::string& text) {
  return code_of([&] { GuixSignature::parse(text); });
}

}  // namespace

TEST_CASE("signatures of Guix are verified") {
  const GuixSignature signature = GuixSignature::parse(ecdsa);
  CHECK(signature.algorithm == GuixSignatureAlgorithm::ecdsa);
  CHECK(signature.is_valid());
  const std::vector<GuixPublicKey> trusted = {GuixPublicKey::parse(public_key)};
  CHECK(verify_guix_signature(signature, message, trusted) == GuixVerdict::valid);
  CHECK(verify_guix_signature(signature, message, {}) == GuixVerdict::unauthorised_key);
  CHECK(verify_guix_signature(signature, message + " ", trusted) == GuixVerdict::hash_mismatch);
  const GuixSignature other = GuixSignature::parse(eddsa);
  CHECK(other.algorithm == GuixSignatureAlgorithm::eddsa);
  CHECK(verify_guix_signature(other, message, std::vector{other.public_key}) == GuixVerdict::valid);
  CHECK(verify_guix_signature(other, message, trusted) == GuixVerdict::unauthorised_key);
}

TEST_CASE("both spellings of a signature are the same") {
  const GuixSignature canonical = GuixSignature::parse(Sexp::parse(ecdsa).to_canonical());
  CHECK(canonical.is_valid());
  CHECK(canonical.bytes == GuixSignature::parse(ecdsa).bytes);
}

TEST_CASE("a changed signature is not valid") {
  for (const std::string& text : {ecdsa, eddsa}) {
    const GuixSignature good = GuixSignature::parse(text);
    for (std::size_t at = 0; at < signature_bytes; at += 7) {
      GuixSignature bad = good;
      bad.bytes[at] ^= std::byte{1};
      CHECK_FALSE(bad.is_valid());
    }
    GuixSignature bad = good;
    bad.signed_hash = hash_bytes(HashAlgorithm::sha256, as_bytes("x"));
    CHECK_FALSE(bad.is_valid());
    CHECK(verify_guix_signature(bad, "x", std::vector{bad.public_key}) == GuixVerdict::invalid);
    bad = good;
    bad.bytes.fill(std::byte{0});
    CHECK_FALSE(bad.is_valid());
    bad = good;
    bad.bytes.fill(std::byte{0xff});
    CHECK_FALSE(bad.is_valid());
    bad = good;
    bad.public_key.point = {};  // a point of small order
    CHECK_FALSE(bad.is_valid());
    bad.public_key.point.fill(std::byte{0xff});  // no point
    CHECK_FALSE(bad.is_valid());
  }
}

// Adding the order to s must not give a second signature of the same text.
TEST_CASE("the numbers of a signature are below the order") {
  const std::string text =
      replaced(ecdsa, "06051DD3216F08FBA97F0715C260EF055088547C80F382CA05C43B4ED2AEBA56",
               "16051DD3216F08FBA97F0715C260EF0565674E5B23EB1FA05DD69E692FA48E43");
  CHECK_FALSE(GuixSignature::parse(text).is_valid());
}

TEST_CASE("numbers of a signature may have a zero before them") {
  CHECK(GuixSignature::parse(replaced(ecdsa, "(r #", "(r #00")).is_valid());
  CHECK(refusal(replaced(ecdsa, "(r #", "(r #01")) == Code::malformed);
}

TEST_CASE("signatures that are refused") {
  CHECK(refusal("") == Code::malformed);
  CHECK(refusal("(signature)") == Code::malformed);
  CHECK(refusal(public_key) == Code::malformed);
  CHECK(refusal(replaced(ecdsa, "(curve Ed25519)", "(curve \"NIST P-256\")")) ==
        Code::not_supported);
  CHECK(refusal(replaced(ecdsa, "(ecc ", "(rsa ")) == Code::not_supported);
  CHECK(refusal(replaced(ecdsa, "rfc6979", "pkcs1")) == Code::not_supported);
  CHECK(refusal(replaced(ecdsa, "hash sha256", "hash sha512")) == Code::not_supported);
  CHECK(refusal(replaced(eddsa, "sha512", "sha1")) == Code::not_supported);
  for (const std::string part :
       {"(data", "(sig-val", "(public-key", "(ecdsa", "(r", "(s ", "(hash"}) {
    CAPTURE(part);
    CHECK(refusal(replaced(ecdsa, part, "(x-" + part.substr(1))) == Code::malformed);
  }
  CHECK(refusal(replaced(ecdsa, "#B4", "#")) == Code::malformed);
  CHECK(refusal(replaced(ecdsa, "#87", "#")) == Code::malformed);
  CHECK(refusal("(signature " + data + value + public_key + public_key + ")") == Code::malformed);
}

TEST_CASE("access lists of Guix") {
  const std::string entry = "(entry " + public_key + " (tag (guix import)))";
  const auto keys = parse_guix_acl("(acl " + entry + ")");
  REQUIRE(keys.size() == 1);
  CHECK(keys[0] == GuixPublicKey::parse(public_key));
  CHECK(parse_guix_acl("(acl)").empty());
  CHECK(parse_guix_acl("(acl " + replaced(entry, "import", "export") + ")").empty());
  CHECK(parse_guix_acl("(acl " + replaced(entry, "(ecc", "(rsa") + entry + ")").size() == 1);
  CHECK(code_of([&] { parse_guix_acl("(acl x)"); }) == Code::malformed);
  CHECK(code_of([&] { parse_guix_acl("(acl (entry " + public_key + "))"); }) == Code::malformed);
  CHECK(code_of([&] { parse_guix_acl(public_key); }) == Code::malformed);
}

TEST_CASE("the signature of a narinfo of Guix") {
  const std::string text = message + "Signature: 1;host.example;" + base64_encode(as_bytes(ecdsa)) +
                           "\nURL: nar/x\nCompression: none\n";
  const NarInfo narinfo = parse_narinfo(text, StoreDir("/gnu/store"));
  REQUIRE(narinfo.guix_signature);
  const GuixSignature signature = GuixSignature::parse(narinfo.guix_signature->expression);
  CHECK(verify_guix_signature(signature, narinfo.guix_signature->signed_text,
                              std::vector{GuixPublicKey::parse(public_key)}) == GuixVerdict::valid);
}

}  // namespace cinch
