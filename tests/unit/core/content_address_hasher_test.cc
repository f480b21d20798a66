#include "catch.hh"
#include "errors.hh"

#include <cinch/core/content_address_hasher.hh>
#include <cinch/core/content_addressed_rewrite.hh>
#include <cinch/core/git_hasher.hh>

#include <map>
#include <random>

namespace cinch {

using test::code_of;

namespace {

const std::string hash_a = "vqpn17r03lqabwk0wksgpbgy620zwfd4";
const std::string hash_b = "b5jrmjqd1nnvqlrp8fnaiknsa4xmc7n6";
const std::string blank(store_path_hash_part_length, '\0');

void file(NarVisitor& to, std::string_view contents, bool executable = false) {
  to.file(contents.size(), executable);
  if (!contents.empty()) to.contents(as_bytes(contents));
  to.leave();
}

template <class Write>
std::string nar_of(Write write) {
  StringSink sink(std::uint64_t{1} << 20);
  NarWriter writer(sink);
  write(writer);
  writer.finish();
  return sink.take();
}

std::string file_nar(std::string_view contents, bool executable = false) {
  return nar_of([&](NarVisitor& to) { file(to, contents, executable); });
}

std::string directory_nar() {
  return nar_of([](NarVisitor& to) {
    to.directory();
    to.leave();
  });
}

std::string symlink_nar() {
  return nar_of([](NarVisitor& to) { to.symlink("hello"); });
}

ContentAddress address_of(const ContentAddressHashing& how, std::string_view nar,
                          std::size_t piece = SIZE_MAX) {
  ContentAddressHasher hasher(how);
  for (std::size_t i = 0; i < nar.size(); i += std::min(piece, nar.size())) {
    hasher.write(as_bytes(nar.substr(i, piece)));
  }
  return hasher.finish();
}

Hash modulo(std::string_view text, std::size_t piece = SIZE_MAX) {
  ModuloHasher hasher(HashAlgorithm::sha256, hash_a);
  for (std::size_t i = 0; i < text.size(); i += std::min(piece, text.size())) {
    hasher.write(as_bytes(text.substr(i, piece)));
  }
  return hasher.finish();
}

Hash sha256(std::string_view text) { return hash_bytes(HashAlgorithm::sha256, as_bytes(text)); }

}  // namespace

TEST_CASE("each method hashes what it stands for, with each algorithm that it allows") {
  using enum ContentAddressMethod;
  const std::string hello = file_nar("hello");
  for (const auto algorithm : hash_algorithms) {
    for (const std::size_t piece : {1u, 7u, 1000u}) {
      CHECK(address_of({.method = nar, .algorithm = algorithm}, hello, piece) ==
            ContentAddress{nar, hash_bytes(algorithm, as_bytes(hello))});
      CHECK(address_of({.method = flat, .algorithm = algorithm}, hello, piece) ==
            ContentAddress{flat, hash_bytes(algorithm, as_bytes("hello"))});
    }
    const bool git_allows = algorithm == HashAlgorithm::sha1 || algorithm == HashAlgorithm::sha256;
    const auto git_code =
        code_of([&] { (void)address_of({.method = git, .algorithm = algorithm}, hello); });
    CHECK(git_code == (git_allows ? std::nullopt : std::optional(Code::invalid_argument)));
    const auto text_code =
        code_of([&] { (void)address_of({.method = text, .algorithm = algorithm}, hello); });
    CHECK(text_code == (algorithm == HashAlgorithm::sha256
                            ? std::nullopt
                            : std::optional(Code::invalid_argument)));
  }
  const std::string blob("blob 5\0hello", 12);
  CHECK(address_of({.method = git, .algorithm = HashAlgorithm::sha1}, hello).hash ==
        hash_bytes(HashAlgorithm::sha1, as_bytes(blob)));
}

TEST_CASE("objects that a method cannot tell from others are refused") {
  using enum ContentAddressMethod;
  for (const auto method : {text, flat, git}) {
    for (const std::string& object : {file_nar("hello", true), symlink_nar()}) {
      CHECK(code_of([&] { (void)address_of({.method = method}, object); }) ==
            Code::invalid_argument);
    }
    const auto code = code_of([&] { (void)address_of({.method = method}, directory_nar()); });
    CHECK(code == (method == git ? std::nullopt : std::optional(Code::invalid_argument)));
    CHECK(code_of([&] { (void)address_of({.method = method}, "hello"); }) == Code::malformed);
    CHECK(code_of([&] { (void)address_of({.method = method, .self = hash_a}, file_nar("x")); }) ==
          Code::invalid_argument);
  }
  CHECK(code_of([&] { ContentAddressHasher({.self = "short"}); }) == Code::invalid_argument);
}

TEST_CASE("a hash modulo a hash part has NULs for it, and the offsets at the end") {
  const std::string text = "see " + hash_a + "!" + hash_a + hash_b;
  const Hash expected = sha256("see " + blank + "!" + blank + hash_b + "|4|37");
  for (const std::size_t piece : {1u, 5u, 31u, 32u, 33u, 1000u}) {
    CHECK(modulo(text, piece) == expected);
  }
  CHECK(modulo("nothing") == sha256("nothing"));
  CHECK(modulo("") == sha256(""));
}

// If offsets were left out, the text with the hash part and that with NULs in its place would have
// one hash, and so would texts that mention it at other places among NULs.
TEST_CASE("different contents have different hashes modulo a hash part") {
  std::mt19937 random(20261122);
  std::map<std::string, std::string> contents_by_hash;
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (std::size_t i = 1 + random() % 4; i > 0; --i) {
      switch (random() % 4) {
        case 0:
          text += hash_a;
          break;
        case 1:
          text += blank;
          break;
        case 2:
          text.append(1 + random() % 3, '\0');
          break;
        default:
          text += "|" + std::to_string(random() % 40);
      }
    }
    // As a file in a NAR: only there it is certain where the offsets begin.
    const std::string nar = file_nar(text);
    const std::string hash = modulo(nar).digest_text(HashFormat::base16);
    const auto [known, is_new] = contents_by_hash.emplace(hash, text);
    CHECK(known->second == text);
  }
  CHECK(contents_by_hash.size() > 500);
}

namespace {

PathInfo info_of(const StorePath& path, const std::string& nar, StorePathSet references) {
  PathInfo info{.path = path, .nar_hash = sha256(nar)};
  info.nar_size = nar.size();
  info.references = std::move(references);
  return info;
}

ContentAddressedRewrite::WriteNar writes(const std::string& nar) {
  return [&nar](Sink& sink) { sink.write(as_bytes(nar)); };
}

}  // namespace

// The answers are those of `nix store make-content-addressed` of Nix 2.8.0, for the same contents.
TEST_CASE("a closure is made content-addressed as Nix does it") {
  const StoreDir dir("/tmp/mca/store");
  const StorePath a = StorePath::parse(hash_a + "-a");
  const StorePath b = StorePath::parse(hash_b + "-b");
  const std::string a_text = dir.print(a);
  const std::string b_text = dir.print(b);
  const std::string nar_a = file_nar("self " + a_text + "\nonce more " + a_text + "\n");
  const std::string nar_b = nar_of([&](NarVisitor& to) {
    to.directory();
    to.entry("bin");
    to.directory();
    to.entry("run");
    file(to, "a " + a_text + " b " + b_text + "\n", true);
    to.leave();
    to.entry("sbin");
    to.symlink(b_text + "/bin");
    to.leave();
  });

  ContentAddressedRewrite rewrite(dir);
  const PathInfo info_a = info_of(a, nar_a, {a});
  const PathInfo info_b = info_of(b, nar_b, {a, b});
  CHECK(code_of([&] { rewrite.add(info_b, writes(nar_b)); }) == Code::invalid_argument);

  const PathInfo twin_a = rewrite.add(info_a, writes(nar_a));
  CHECK(twin_a.path.base_name() == "w0pgfk7354gxk3hhzjhjg2pj2bmq8vbz-a");
  CHECK(twin_a.nar_hash.digest_text(HashFormat::base16) ==
        "59612bdcd0d4a1b0b70671a6e2f1e920ca7d1187e554bf2a45ea8dd4d2458e92");
  CHECK(twin_a.nar_size == 232);
  CHECK(twin_a.content_address->to_string() ==
        "fixed:r:sha256:0nc65vwy7hxbi33r0v34zb79vc5wzk70yh8mkmx74cx7fk9pms2h");
  CHECK(twin_a.references == StorePathSet{twin_a.path});

  const PathInfo twin_b = rewrite.add(info_b, writes(nar_b));
  CHECK(twin_b.path.base_name() == "9cqilba830ica6crj6bwj1sp2ch91rxr-b");
  CHECK(twin_b.nar_hash.digest_text(HashFormat::base16) ==
        "42c53a31a4b9b633479da993546ef8d61e8bc84899fb42ada7c72b5346fbea42");
  CHECK(twin_b.content_address->to_string() ==
        "fixed:r:sha256:1n5ql852sw7f30c1v1ysgsq502i5zdc6dzhvwb13p94qhq76il4h");
  CHECK(twin_b.references == StorePathSet{twin_a.path, twin_b.path});
  CHECK(rewrite.twins() == std::map<StorePath, StorePath>{{a, twin_a.path}, {b, twin_b.path}});

  StringSink sink(std::uint64_t{1} << 20);
  rewrite.write_twin(info_b, writes(nar_b), sink);
  CHECK(sha256(sink.text()) == twin_b.nar_hash);
  CHECK(address_of({.self = std::string(twin_b.path.hash_part())}, sink.text()) ==
        twin_b.content_address);
  CHECK(twin_b.is_content_addressed(dir));
}

}  // namespace cinch
