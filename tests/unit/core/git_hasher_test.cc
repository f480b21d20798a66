#include "catch.hh"
#include "errors.hh"

#include <cinch/core/git_hasher.hh>

namespace cinch {

using test::code_of;

namespace {

void file(NarVisitor& to, std::string_view contents, bool executable = false) {
  to.file(contents.size(), executable);
  if (!contents.empty()) to.contents(as_bytes(contents));
  to.leave();
}

// Names whose order differs between a NAR and a git tree: "a-b" < "a.txt" < "a/" as git compares.
void write_tree(NarVisitor& to) {
  to.directory();
  to.entry("a");
  to.directory();
  to.entry("inner");
  file(to, "inside\n");
  to.leave();
  to.entry("a-b");
  file(to, "x");
  to.entry("a.txt");
  file(to, "hello\n");
  to.entry("link");
  to.symlink("a/inner");
  to.entry("run");
  file(to, "#!/bin/sh\n", true);
  to.leave();
}

template <class Write>
GitObject hash_of(HashAlgorithm algorithm, Write write) {
  GitHasher hasher(algorithm);
  write(hasher);
  return hasher.finish();
}

std::string digest(const GitObject& object) { return object.hash.digest_text(HashFormat::base16); }

}  // namespace

// What git 2.39 says: `git hash-object`, and `git write-tree` in a repository of either format.
TEST_CASE("git objects have known answers") {
  using enum HashAlgorithm;
  const auto hello = [](NarVisitor& to) { file(to, "hello\n"); };
  const auto empty = [](NarVisitor& to) {
    to.directory();
    to.leave();
  };
  CHECK(digest(hash_of(sha1, hello)) == "ce013625030ba8dba906f756967f9e9ca394464a");
  CHECK(digest(hash_of(sha256, hello)) ==
        "2cf8d83d9ee29543b34a87727421fdecb7e3f3a183d337639025de576db9ebb4");
  CHECK(digest(hash_of(sha1, empty)) == "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
  CHECK(digest(hash_of(sha256, empty)) ==
        "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321");
  CHECK(digest(hash_of(sha1, write_tree)) == "a37bd6e4eb4eb8c7333d27aa75cb8815281fa5eb");
  CHECK(digest(hash_of(sha256, write_tree)) ==
        "05737c4cdaf499050c588a289f9388074f5e3ac052e756f89bdd9b801647c219");
}

TEST_CASE("a git object's mode tells its kind") {
  using enum HashAlgorithm;
  CHECK(hash_of(sha1, write_tree).mode == GitMode::directory);
  CHECK(hash_of(sha1, [](NarVisitor& to) { file(to, ""); }).mode == GitMode::regular);
  CHECK(hash_of(sha1, [](NarVisitor& to) { file(to, "", true); }).mode == GitMode::executable);
  CHECK(hash_of(sha1, [](NarVisitor& to) { to.symlink("x"); }).mode == GitMode::symlink);
}

TEST_CASE("git hashes by sha1 and sha256 only, and whole objects only") {
  CHECK(code_of([] { GitHasher(HashAlgorithm::md5); }) == Code::invalid_argument);
  CHECK(code_of([] { GitHasher(HashAlgorithm::blake3); }) == Code::invalid_argument);
  CHECK(code_of([] {
          GitHasher hasher(HashAlgorithm::sha1);
          hasher.directory();
          (void)hasher.finish();
        }) == Code::invalid_argument);
}

}  // namespace cinch
