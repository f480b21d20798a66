#include "catch.hh"
#include "errors.hh"

#include <cinch/core/content_address.hh>

namespace cinch {

using test::code_of;

namespace {

Hash hash_of(HashAlgorithm algorithm) { return hash_bytes(algorithm, as_bytes("hello")); }

std::string fixed_path(ContentAddressMethod method, HashAlgorithm algorithm,
                       const StoreDir& dir = StoreDir()) {
  return dir.print(make_content_addressed_path(dir, "hello", {method, hash_of(algorithm)}));
}

std::string text_path(std::string_view name, std::string_view text, StorePathSet references) {
  const ContentAddress address{ContentAddressMethod::text,
                               hash_bytes(HashAlgorithm::sha256, as_bytes(text))};
  return StoreDir().print(make_content_addressed_path(
      StoreDir(), name, address, {.others = std::move(references), .self = false}));
}

}  // namespace

TEST_CASE("content addresses are printed and parsed") {
  const std::string sha256 = "sha256:094qif9n4cq4fdg459qzbhg1c6wywawwaaivx0k0x8xhbyx4vwic";
  const std::string sha1 = "sha1:9m1skbnr5i43n3yypvda5s65vhfwdx5a";
  for (const std::string& text :
       {"text:" + sha256, "fixed:" + sha256, "fixed:r:" + sha256, "fixed:" + sha1,
        "fixed:r:" + sha1, "fixed:git:" + sha1, "fixed:git:" + sha256}) {
    CHECK(ContentAddress::parse(text).to_string() == text);
  }
  CHECK(ContentAddress::parse("fixed:r:" + sha1) ==
        ContentAddress{ContentAddressMethod::nar, hash_of(HashAlgorithm::sha1)});
}

TEST_CASE("malformed content addresses are refused") {
  const std::string sha256 = "sha256:094qif9n4cq4fdg459qzbhg1c6wywawwaaivx0k0x8xhbyx4vwic";
  for (const std::string& text :
       {std::string(), std::string("text"), std::string("text:"), std::string("fixed:"), sha256,
        "source:" + sha256, "text:r:" + sha256, "fixed:r:r:" + sha256, "fixed::" + sha256,
        "fixed:" + sha256 + " ", std::string("text:sha1:9m1skbnr5i43n3yypvda5s65vhfwdx5a"),
        std::string("fixed:sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="),
        "fixed:" + std::string(100000, 'x')}) {
    CAPTURE(text.substr(0, 100));
    CHECK(code_of([&] { ContentAddress::parse(text); }) == Code::malformed);
  }
  CHECK(code_of([] { ContentAddress::parse("fixed:git:md5:4jqlbi14cxf6wpcajbphm40hax"); }) ==
        Code::malformed);
}

TEST_CASE("method names") {
  for (const auto method : {ContentAddressMethod::text, ContentAddressMethod::flat,
                            ContentAddressMethod::nar, ContentAddressMethod::git}) {
    CHECK(parse_content_address_method(to_string(method)) == method);
  }
  CHECK(code_of([] { parse_content_address_method("recursive"); }) == Code::malformed);
}

// The paths are what Nix 2.8.0 prints: nix-store --print-fixed-path.
TEST_CASE("fixed paths have known answers") {
  using enum ContentAddressMethod;
  using enum HashAlgorithm;
  CHECK(fixed_path(flat, md5) == "/nix/store/cjjgh51g19my6qswi7m4371f5892dxs9-hello");
  CHECK(fixed_path(nar, md5) == "/nix/store/f6s8jn00zycz5g6x6mprh6ybladjj77v-hello");
  CHECK(fixed_path(flat, sha1) == "/nix/store/v0nrf1zmxrpzqx6hw27z2qp9glpisrpz-hello");
  CHECK(fixed_path(nar, sha1) == "/nix/store/0fxqpv6v9swxzva0krzfwkfdsmy2mm2h-hello");
  CHECK(fixed_path(flat, sha256) == "/nix/store/3fhdhfqli6qm669f7sz8d8v6xz24zrqc-hello");
  CHECK(fixed_path(nar, sha256) == "/nix/store/rvixdlj68pbc6ki2dqrq779ljpxrx549-hello");
  CHECK(fixed_path(flat, sha512) == "/nix/store/9dsyz1y7fz5x2b2p5qc3a34qbjd2v83x-hello");
  CHECK(fixed_path(nar, sha512) == "/nix/store/7sl8zr7ww29iw0vq22dqiwxczczd9imj-hello");
  CHECK(fixed_path(nar, sha256, StoreDir("/tmp/ca/store")) ==
        "/tmp/ca/store/0ha3z5c34nxyxb7wsrww16lkmdz2zpn0-hello");
}

// The paths are what builtins.toFile of Nix 2.8.0 gives.
TEST_CASE("text paths have known answers") {
  const std::string t = text_path("t", "hello", {});
  const std::string s = text_path("s", "hi", {});
  CHECK(t == "/nix/store/vqpn17r03lqabwk0wksgpbgy620zwfd4-t");
  const StoreDir dir;
  CHECK(text_path("u", t, {dir.parse(t)}) == "/nix/store/b5jrmjqd1nnvqlrp8fnaiknsa4xmc7n6-u");
  CHECK(text_path("v", t + " " + s, {dir.parse(t), dir.parse(s)}) ==
        "/nix/store/q4vdpknkx8g90rlycdrs14ggkgy99i04-v");
}

// The paths are what `nix store make-content-addressed` of Nix 2.8.0 gives for a file that mentions
// itself and another path.
TEST_CASE("references are part of the path of a NAR") {
  const StoreDir dir("/tmp/ca/nx/store");
  const auto other =
      ContentAddress::parse("fixed:r:sha256:0sg9f58l1jj88w6pdrfdpj5x9b1zrwszk84j81zvby36q9whhhqa");
  const StorePath other_path = make_content_addressed_path(dir, "t", other);
  CHECK(other_path.base_name() == "98fxj8va38x9h70r94xd44c98zfp18ly-t");
  const auto address =
      ContentAddress::parse("fixed:r:sha256:0pfp3dq3rzm7nf0fjds1k6ivp9nmzghgmk4akzfaflb37xvmvqin");
  const References references{.others = {other_path}, .self = true};
  CHECK(make_content_addressed_path(dir, "selfish", address, references).base_name() ==
        "7imb9pm44xk56wjbrp7674azrv8hcza7-selfish");
}

// By the rule of the format page, written out.
TEST_CASE("the path of a git object follows from its description") {
  const StoreDir dir;
  const Hash hash = hash_of(HashAlgorithm::sha1);
  const std::string description =
      "fixed:out:git:sha1:" + hash.digest_text(HashFormat::base16) + ":";
  CHECK(make_content_addressed_path(dir, "hello", {ContentAddressMethod::git, hash}) ==
        make_store_path(dir, "output:out", hash_bytes(HashAlgorithm::sha256, as_bytes(description)),
                        "hello"));
}

TEST_CASE("combinations without a path are refused") {
  const StoreDir dir;
  const StorePath other = dir.parse("/nix/store/vqpn17r03lqabwk0wksgpbgy620zwfd4-t");
  const References none;
  const References some{.others = {other}, .self = false};
  const References self{.others = {}, .self = true};
  using enum ContentAddressMethod;
  using enum HashAlgorithm;
  const auto code = [&](ContentAddressMethod method, HashAlgorithm algorithm,
                        const References& references) {
    return code_of([&] {
      make_content_addressed_path(dir, "x", {method, hash_of(algorithm)}, references);
    });
  };
  CHECK(code(text, sha1, none) == Code::invalid_argument);
  CHECK(code(text, sha512, none) == Code::invalid_argument);
  CHECK(code(text, sha256, self) == Code::invalid_argument);
  CHECK(code(flat, sha256, some) == Code::invalid_argument);
  CHECK(code(flat, sha256, self) == Code::invalid_argument);
  CHECK(code(nar, sha1, some) == Code::invalid_argument);
  CHECK(code(nar, sha512, self) == Code::invalid_argument);
  CHECK(code(git, sha1, some) == Code::invalid_argument);
  CHECK(code(git, sha256, self) == Code::invalid_argument);
  CHECK(code(git, md5, none) == Code::invalid_argument);
  CHECK_FALSE(code(git, sha1, none));
  CHECK_FALSE(code(nar, sha256, self));
  CHECK(code_of([&] { make_store_path(dir, "source", hash_of(sha1), "x"); }) ==
        Code::invalid_argument);
  CHECK(code_of([&] { make_store_path(dir, "source", hash_of(sha256), "a b"); }) ==
        Code::malformed);
}

TEST_CASE("output paths are named after their output") {
  CHECK(output_path_name("hello", "out") == "hello");
  CHECK(output_path_name("hello", "dev") == "hello-dev");
  const StoreDir dir;
  const Hash hash = hash_of(HashAlgorithm::sha256);
  CHECK(make_output_path(dir, "out", hash, "hello") ==
        make_store_path(dir, "output:out", hash, "hello"));
  CHECK(make_output_path(dir, "dev", hash, "hello") ==
        make_store_path(dir, "output:dev", hash, "hello-dev"));
}

}  // namespace cinch
