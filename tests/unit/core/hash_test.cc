#include "catch.hh"
#include "errors.hh"
#include "join.hh"

#include <cinch/core/hash.hh>

#include <algorithm>
#include <thread>

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

// Of the bytes "hello": the first four as nix-hash of Nix 2.8.0 prints them, the last three as
// openssl and base64 do, blake3 as a second implementation that follows the specification does.
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
     "="},
    {HashAlgorithm::blake3, "ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f",
     "03r0cx565i88x638mdsfq7w6wl5k9f6ybici8ig950l6ncyid3za",
     "blake3-6o8WPbOGgpJeRJHF5Y1Ls1Bu+MFOt4qG6QjFYkpnIA8="},
    {HashAlgorithm::sha3_256, "3338be694f50c5f338814986cdf0686453a888b84f424d792af4b9202398f392",
     "14pkk0ij1fgl59wlshjgp24ahlv4d3qcv1j9h4wg7iah9xlvwf1k",
     "sha3-256-Mzi+aU9QxfM4gUmGzfBoZFOoiLhPQk15KvS5ICOY85I="},
    {HashAlgorithm::sha3_512,
     "75d527c368f2efe848ecf6b073a36767800805e9eef2b1857d5f984f036eb6df"
     "891d75f72d9b154518c1cd58835286d1da9a38deba3de98b5a53e5ed78a84976",
     "1v4ka3qxpjm6nlbx4yvmpiqkbdd31jjhdccvh8q8larnbgpflfqkpxndq1lz62zgn2v3wpfx42hi037cyip7c7nxi4fiv"
     "zjd31jgmbm",
     "sha3-512-"
     "ddUnw2jy7+hI7Pawc6NnZ4AIBenu8rGFfV+YTwNutt+JHXX3LZsVRRjBzViDUobR2po43ro96YtaU+XteKhJdg=="},
    {HashAlgorithm::blake2s_256, "19213bacc58dee6dbde3ceb9a47cbb330b3d86f8cca8997eb00be456f140ca25",
     "09fa83qmdr0bn1z9ka6cz233s2rkpdya9fffwfynvvldqnn3n88r",
     "blake2s-256-GSE7rMWN7m294865pHy7Mws9hvjMqJl+sAvkVvFAyiU="}};

// The first `size` bytes of the input of BLAKE3's published test vectors.
std::string blake3_input(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i % 251);
  return bytes;
}

struct Blake3Answer {
  std::size_t size;
  const char* digest;
};

// Sizes around the borders of blocks, chunks, lanes and subtrees.
constexpr Blake3Answer blake3_answers[] = {
    {0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"},
    {1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"},
    {2, "7b7015bb92cf0b318037702a6cdd81dee41224f734684c2c122cd6359cb1ee63"},
    {63, "e9bc37a594daad83be9470df7f7b3798297c3d834ce80ba85d6e207627b7db7b"},
    {64, "4eed7141ea4a5cd4b788606bd23f46e212af9cacebacdc7d1f4c6dc7f2511b98"},
    {65, "de1e5fa0be70df6d2be8fffd0e99ceaa8eb6e8c93a63f2d8d1c30ecb6b263dee"},
    {1023, "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11"},
    {1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"},
    {1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"},
    {2048, "e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a"},
    {2049, "5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030"},
    {3072, "b98cb0ff3623be03326b373de6b9095218513e64f1ee2edd2525c7ad1e5cffd2"},
    {3073, "7124b49501012f81cc7f11ca069ec9226cecb8a2c850cfe644e327d22d3e1cd3"},
    {4096, "015094013f57a5277b59d8475c0501042c0b642e531b0a1c8f58d2163229e969"},
    {4097, "9b4052b38f1c5fc8b1f9ff7ac7b27cd242487b3d890d15c96a1c25b8aa0fb995"},
    {5120, "9cadc15fed8b5d854562b26a9536d9707cadeda9b143978f319ab34230535833"},
    {6145, "f1323a8631446cc50536a9f705ee5cb619424d46887f3c376c695b70e0f0507f"},
    {7168, "61da957ec2499a95d6b8023e2b0e604ec7f6b50e80a9678b89d2628e99ada77a"},
    {8192, "aae792484c8efe4f19e2ca7d371d8c467ffb10748d8a5a1ae579948f718a2a63"},
    {8193, "bab6c09cb8ce8cf459261398d2e7aef35700bf488116ceb94a36d0f5f1b7bc3b"},
    {16384, "f875d6646de28985646f34ee13be9a576fd515f76b5b0a26bb324735041ddde4"},
    {31744, "62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47"},
    {65536, "68d647e619a930e7b1082f74f334b0c65a315725569bdc123f0ee11881717bfe"},
    {65537, "7c99f9840a73dfcb6e5bfe4ff6d1558acab7e015640790c26411818bdbe17eca"},
    {102400, "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085"}};

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
  for (const char* name : {"", "sha-256", "SHA256", "sha2560", "sha3", "blake3 "}) {
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
                               join({hello[2].sri, " ", hello[2].sri}),
                               join({hello[2].sri, "\n"}),
                               "sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCR=",
                               "sha256:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmC==",
                               "sha256:g94qif9n4cq4fdg459qzbhg1c6wywawwaaivx0k0x8xhbyx4vwic",
                               "sha3-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
                               "sha3-256LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
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

TEST_CASE("blake3 has known answers at every border") {
  for (const Blake3Answer& answer : blake3_answers) {
    CAPTURE(answer.size);
    const Hash hash = hash_bytes(HashAlgorithm::blake3, as_bytes(blake3_input(answer.size)));
    CHECK(hash.digest_text(HashFormat::base16) == answer.digest);
  }
}

// Whole, many chunks are hashed at once; in pieces of up to a chunk, one after the other.
TEST_CASE("blake3 does not depend on how the input is cut") {
  const std::string text = blake3_input(200'000);
  for (const std::size_t size : {5000u, 70'000u, 131'072u, 199'999u}) {
    const Bytes bytes = as_bytes(text).first(size);
    const Hash whole = hash_bytes(HashAlgorithm::blake3, bytes);
    for (const std::size_t piece : {1u, 64u, 1000u, 1024u, 1025u, 4096u, 5000u, 65'536u}) {
      CAPTURE(size, piece);
      Hasher hasher(HashAlgorithm::blake3);
      for (std::size_t i = 0; i < size; i += piece) {
        hasher.write(bytes.subspan(i, std::min(piece, size - i)));
      }
      CHECK(hasher.finish() == whole);
    }
  }
}

TEST_CASE("several algorithms hash a stream in one pass") {
  const std::string text = blake3_input(100'000);
  MultiHasher hasher(hash_algorithms);
  hasher.write(as_bytes(text).first(33'333));
  hasher.write({});
  hasher.write(as_bytes(text).subspan(33'333));
  CHECK(hasher.size_bytes() == text.size());
  const std::vector<Hash> hashes = hasher.finish();
  REQUIRE(hashes.size() == hash_algorithms.size());
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    CHECK(hashes[i] == hash_bytes(hash_algorithms[i], as_bytes(text)));
  }
  CHECK(MultiHasher({}).finish().empty());
}

TEST_CASE("several streams are hashed at once, each by its own thread") {
  const std::string text = blake3_input(100'000);
  std::vector<std::optional<Hash>> hashes(4);
  {
    std::vector<std::jthread> threads;
    for (std::optional<Hash>& hash : hashes) {
      threads.emplace_back([&] { hash = hash_bytes(HashAlgorithm::sha256, as_bytes(text)); });
    }
  }
  for (const auto& hash : hashes) {
    CHECK(hash == hash_bytes(HashAlgorithm::sha256, as_bytes(text)));
  }
}

TEST_CASE("hashes are ordered by algorithm, then digest") {
  const Hash md5 = hash_bytes(HashAlgorithm::md5, as_bytes("hello"));
  const Hash sha1 = hash_bytes(HashAlgorithm::sha1, as_bytes("hello"));
  CHECK(md5 < sha1);
  CHECK(md5 != sha1);
  CHECK(md5 == Hash(md5));
}

}  // namespace cinch
