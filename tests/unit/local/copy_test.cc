#include "catch.hh"
#include "errors.hh"
#include "local_fixture.hh"

#include <cinch/core/closure.hh>
#include <cinch/core/signature.hh>
#include <cinch/files/run_piped.hh>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace cinch;
using namespace cinch::test;

namespace {

// Two stores, the first with a chain of objects: the last refers to all.
struct Pair {
  explicit Pair(std::size_t count = 5, LocalStoreOptions to_options = {}) {
    from = open_in(source);
    to = open_in(destination, std::move(to_options));
    for (std::size_t number = 0; number < count; ++number) {
      const std::string nar = tree_nar(std::string(number * 1000, 'x') + std::to_string(number));
      std::string hash_part = std::to_string(1000 + number);
      hash_part.resize(32, '0');
      PathInfo info = info_of(nar, hash_part + "-object");
      if (number > 0) info.references = {paths.back()};
      info.references.insert(info.path);
      StringSource content(nar);
      from->add_nar(info, content, SignaturePolicy::accept_unsigned);
      paths.push_back(info.path);
    }
  }
  CopyOptions options(SignaturePolicy policy = SignaturePolicy::accept_unsigned) {
    return {.policy = policy, .run_piped = run_piped, .progress = [this](const auto& progress) {
              told.push_back(progress);
            }};
  }
  std::uint64_t copy(SignaturePolicy policy = SignaturePolicy::accept_unsigned) {
    return copy_closure(*from, *to, {paths.back()}, options(policy));
  }

  Scratch source;
  Scratch destination;
  std::unique_ptr<LocalStore> from;
  std::unique_ptr<LocalStore> to;
  std::vector<StorePath> paths;
  std::vector<CopyProgress> told;
};

// Replaces what a file of an object holds.
void modify(LocalStore& store, const StorePath& path) {
  const std::string file = store.real_path(path) + "/bin/run";
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  std::string contents(std::filesystem::file_size(file), 'y');
  std::ofstream(file, std::ios::binary) << contents;
}

}  // namespace

TEST_CASE("a closure is copied from one local store to another") {
  Pair pair(300);
  CHECK(pair.copy() == 300);
  for (const StorePath& path : pair.paths) {
    const PathInfo info = pair.to->require(path);
    PathInfo expected = pair.from->require(path);
    CHECK(info.registration_time > 0);
    expected.registration_time = info.registration_time;
    CHECK(info == expected);
  }
  CHECK(pair.to->verify({.check_contents = true}).problems.empty());
  CHECK(entries(pair.destination) == entries(pair.source));
  REQUIRE_FALSE(pair.told.empty());
  const CopyProgress& last = pair.told.back();
  CHECK(last.paths_done == 300);
  CHECK(last.paths_expected == 300);
  CHECK(last.bytes_done == last.bytes_expected);
  CHECK(pair.copy() == 0);
}

TEST_CASE("a copy of some objects needs the others to be there") {
  Pair pair;
  const std::map<StorePath, PathInfo> top = {
      {pair.paths.back(), pair.from->require(pair.paths.back())}};
  CHECK(code_of([&] { copy_objects(*pair.from, *pair.to, top, pair.options()); }) ==
        Code::not_found);
  CHECK(entries(pair.destination).empty());
  CHECK(copy_closure(*pair.from, *pair.to, {pair.paths[3]}, pair.options()) == 4);
  CHECK(copy_objects(*pair.from, *pair.to, top, pair.options()) == 1);
}

TEST_CASE("what is copied must be signed if the policy says so") {
  Pair pair;
  CHECK(code_of([&] { pair.copy(SignaturePolicy::require_trusted); }) == Code::not_trusted);
  CHECK(entries(pair.destination).empty());
  const SecretKey key = SecretKey::generate("key");
  for (const StorePath& path : pair.paths) {
    const PathInfo info = pair.from->require(path);
    pair.from->add_signatures(path, {key.sign(info.fingerprint(pair.from->store_dir()))});
  }
  CHECK(code_of([&] { pair.copy(SignaturePolicy::require_trusted); }) == Code::not_trusted);
  pair.to = open_in(pair.destination, {.trusted_keys = {key.public_key()}});
  CHECK(pair.copy(SignaturePolicy::require_trusted) == 5);
  CHECK(pair.to->require(pair.paths[0]).signatures.size() == 1);
}

TEST_CASE("an object that was modified is not copied") {
  Pair pair;
  modify(*pair.from, pair.paths[2]);
  CHECK(code_of([&] { pair.copy(); }) == Code::hash_mismatch);
  CHECK(entries(pair.destination).empty());
  CHECK(pair.to->all_valid_paths().empty());
  CHECK(copy_closure(*pair.from, *pair.to, {pair.paths[1]}, pair.options()) == 2);
}

TEST_CASE("content-addressed objects are checked in place of signatures") {
  const Scratch source;
  const Scratch destination;
  const auto from = open_in(source);
  const auto to = open_in(destination);
  const PathInfo text = add_text(*from, "text", "words");
  const std::string nar = tree_nar("a program");
  StringSource nar_source(nar);
  const PathInfo tree = from->add_content({.name = "tree"}, nar_source);
  StringSource flat_source("flat");
  const PathInfo flat =
      from->add_content({.name = "flat", .method = ContentAddressMethod::flat}, flat_source);
  const CopyOptions options{.policy = SignaturePolicy::require_trusted, .run_piped = run_piped};
  const StorePathSet all = {text.path, tree.path, flat.path};
  CHECK(copy_closure(*from, *to, all, options) == 3);
  CHECK(to->require(tree.path).content_address == tree.content_address);
}

TEST_CASE("a copy that is stopped leaves what was complete, and no more") {
  Pair pair(300);
  std::stop_source stop;
  CopyOptions options = pair.options();
  options.progress = [&](const CopyProgress& progress) {
    if (progress.paths_done == 200) stop.request_stop();
  };
  CHECK(code_of([&] {
          copy_closure(*pair.from, *pair.to, {pair.paths.back()}, options, stop.get_token());
        }) == Code::cancelled);
  const StorePathSet valid = pair.to->all_valid_paths();
  CHECK(valid.size() == 128);
  CHECK(pair.to->verify({.check_contents = true}).problems.empty());
  std::string names;
  for (const StorePath& path : valid) names += path.base_name() + "\n";
  CHECK(entries(pair.destination) == names);
  CHECK(pair.copy() == 300 - 128);
}

TEST_CASE("left-overs at the places of new objects give way") {
  Pair pair;
  std::filesystem::create_directory(pair.to->real_path(pair.paths[0]));
  std::ofstream(pair.to->real_path(pair.paths[0]) + "/rubbish") << "rubbish";
  CHECK(pair.copy() == 5);
  CHECK(pair.to->verify({.check_contents = true}).problems.empty());
}

TEST_CASE("a store that cannot be written takes nothing") {
  Pair pair;
  pair.to = open_in(pair.destination, {.read_only = true});
  CHECK(code_of([&] { pair.copy(); }) == Code::read_only);
}
