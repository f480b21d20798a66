#include "catch.hh"
#include "errors.hh"
#include "local_fixture.hh"

#include <cinch/core/derivation.hh>
#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/derivation_hash.hh>
#include <cinch/core/signature.hh>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <sys/stat.h>

using namespace cinch;
using namespace cinch::test;

TEST_CASE("text and flat content get the paths that Nix gives them") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  // From Nix 2.8.0: builtins.toFile "t" "words", and nix-store --add.
  CHECK(add_text(*store, "t", "words").path.base_name() == "29fkk7s2rzvj6a12c4syj1cy8624gr2j-t");
  StringSource flat("hello\n");
  const PathInfo info =
      store->add_content({.name = "f", .method = ContentAddressMethod::flat}, flat);
  CHECK(info.content_address->to_string().starts_with("fixed:sha256:"));
  StringSink nar(1000);
  NarWriter writer(nar);
  writer.file(6, false);
  writer.contents(as_bytes("hello\n"));
  writer.leave();
  writer.finish();
  StringSource source(nar.text());
  const PathInfo recursive = store->add_content({.name = "f"}, source);
  CHECK(store->store_dir().print(recursive.path) ==
        "/nix/store/xp0dpr9yz5h0fk5c5lpj7zzqjbdh3w8c-f");
  CHECK(info.nar_hash == recursive.nar_hash);
  CHECK(nar_of(*store, info.path) == nar.text());

  const PathInfo text = add_text(*store, "t", "words", {info.path});
  CHECK(text.references == StorePathSet{info.path});
  CHECK(text.content_address->to_string().starts_with("text:sha256:"));
  CHECK(text.registration_time > 1'000'000'000);
  CHECK(store->require(text.path) == text);
  CHECK(add_text(*store, "t", "words", {info.path}) == text);
}

TEST_CASE("large content is added as small content is") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const std::string large(3'000'000, 'x');
  StringSource flat(large);
  const PathInfo info =
      store->add_content({.name = "large", .method = ContentAddressMethod::flat}, flat);
  CHECK(info.content_address->hash == hash_bytes(HashAlgorithm::sha256, as_bytes(large)));
  CHECK(info.nar_hash == hash_bytes(HashAlgorithm::sha256, as_bytes(nar_of(*store, info.path))));

  const std::string nar = tree_nar(large);
  StringSource source(nar);
  const PathInfo tree =
      store->add_content({.name = "tree", .algorithm = HashAlgorithm::sha1}, source);
  CHECK(tree.content_address->hash == hash_bytes(HashAlgorithm::sha1, as_bytes(nar)));
  CHECK(nar_of(*store, tree.path) == nar);
  StringSource again(nar);
  CHECK(store->add_content({.name = "tree", .algorithm = HashAlgorithm::sha1}, again) == tree);
  CHECK(entries(scratch) == [&] {
    std::set<std::string> names{info.path.base_name(), tree.path.base_name()};
    return *names.begin() + "\n" + *names.rbegin() + "\n";
  }());
}

TEST_CASE("a tree on disk is added in one pass") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const std::string nar = tree_nar("hello");
  const Directory directory = scratch.directory();
  TreeWriter writer(directory, "source");
  NarParserSink parser(writer);
  parser.write(as_bytes(nar));
  parser.finish();
  writer.finish();
  const PathInfo added = store->add_tree("source", scratch.path("source"));
  StringSource source(nar);
  CHECK(store->add_content({.name = "source"}, source) == added);
  CHECK(nar_of(*store, added.path) == nar);
  struct stat status;
  REQUIRE(::stat((store->real_path(added.path) + "/bin/run").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0555);
  CHECK(status.st_mtime == 1);
  REQUIRE(::stat(store->real_path(added.path).c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0555);
  CHECK(status.st_mtime == 1);
  CHECK(code_of([&] { store->add_tree("x", scratch.path("none")); }) == Code::not_found);
  CHECK(code_of([&] { store->add_tree("a b", scratch.path("source")); }) == Code::malformed);
  CHECK(entries(scratch) == added.path.base_name() + "\n");
}

TEST_CASE("a filter says what of a tree is added") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const Directory tree = scratch.directory().make_directory("source", 0755);
  tree.write_file("kept", "kept", 0644);
  const PathInfo plain = store->add_tree("source", scratch.path("source"));
  tree.write_file("kept~", "left out", 0644);
  tree.make_directory(".git", 0755).write_file("config", "left out", 0644);
  std::vector<std::string> asked;
  std::uint64_t nar_bytes = 0;
  AddTreeOptions options;
  options.filter = [&](std::string_view path) {
    asked.emplace_back(path);
    return path == "kept";
  };
  options.progress = [&](std::uint64_t bytes) { nar_bytes += bytes; };
  CHECK(store->add_tree("source", scratch.path("source"), options) == plain);
  CHECK(nar_bytes == plain.nar_size);
  CHECK(asked == std::vector<std::string>{".git", "kept", "kept~"});
  CHECK(store->add_tree("source", scratch.path("source")).path != plain.path);
}

TEST_CASE("a NAR is added if it is what its info says") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const std::string nar = tree_nar("hello");
  const PathInfo info = info_of(nar, path_a);
  const auto add = [&](const PathInfo& claimed, const std::string& bytes) {
    StringSource source(bytes);
    store->add_nar(claimed, source, SignaturePolicy::accept_unsigned);
  };

  SECTION("and exactly one NAR is taken from the source, also the second time") {
    const std::string followed = nar + "rest";
    for (int time = 0; time < 2; ++time) {
      StringSource source(followed);
      store->add_nar(info, source, SignaturePolicy::accept_unsigned);
      CHECK(read_all(source, 10) == "rest");
    }
    CHECK(nar_of(*store, info.path) == nar);
    CHECK(entries(scratch) == path_a + "\n");
  }
  SECTION("not with another hash") {
    PathInfo wrong = info;
    wrong.nar_hash = hash_bytes(HashAlgorithm::sha256, as_bytes("other"));
    CHECK(code_of([&] { add(wrong, nar); }) == Code::hash_mismatch);
  }
  SECTION("not with another size") {
    PathInfo wrong = info;
    wrong.nar_size -= 8;
    CHECK(code_of([&] { add(wrong, nar); }) == Code::hash_mismatch);
    wrong.nar_size += 16;
    CHECK(code_of([&] { add(wrong, nar); }) == Code::hash_mismatch);
  }
  SECTION("not if it is cut off or garbage") {
    CHECK(code_of([&] { add(info, nar.substr(0, nar.size() / 2)); }) == Code::malformed);
    CHECK(code_of([&] { add(info, std::string(nar.size(), 'x')); }) == Code::malformed);
  }
  SECTION("not if it refers to what is not there") {
    PathInfo wrong = info;
    wrong.references = {StorePath::parse(path_b)};
    const std::optional<Error> error = error_of([&] { add(wrong, nar); });
    REQUIRE(error);
    CHECK(error->code() == Code::not_found);
    CHECK(error->message().find(path_a) != std::string::npos);
    CHECK(error->message().find(path_b) != std::string::npos);
  }
  SECTION("not if the operation is cancelled") {
    std::stop_source stop;
    stop.request_stop();
    StringSource source(nar);
    CHECK(code_of([&] {
            store->add_nar(info, source, SignaturePolicy::accept_unsigned, stop.get_token());
          }) == Code::cancelled);
  }
  if (!store->is_valid(info.path)) CHECK(entries(scratch).empty());
}

TEST_CASE("left-overs at the path are replaced") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const Directory objects = Directory::open(scratch.path("root/nix/store"));
  objects.make_directory(path_a, 0755).write_file("broken", "x", 0644);
  const std::string nar = tree_nar("hello");
  StringSource source(nar);
  store->add_nar(info_of(nar, path_a), source, SignaturePolicy::accept_unsigned);
  CHECK(nar_of(*store, StorePath::parse(path_a)) == nar);
}

TEST_CASE("only trusted signatures or content addresses let an object in") {
  const Scratch scratch;
  const SecretKey trusted = SecretKey::generate("trusted-1");
  const SecretKey other = SecretKey::generate("other-1");
  const auto store = open_in(scratch, {.trusted_keys = {trusted.public_key()}});
  const std::string nar = tree_nar("hello");
  PathInfo info = info_of(nar, path_a);
  const auto add = [&] {
    StringSource source(nar);
    store->add_nar(info, source, SignaturePolicy::require_trusted);
  };
  CHECK(code_of(add) == Code::not_trusted);
  info.signatures = {other.sign(info.fingerprint(store->store_dir()))};
  CHECK(code_of(add) == Code::not_trusted);
  info.signatures = {trusted.sign("something else")};
  CHECK(code_of(add) == Code::not_trusted);
  CHECK(entries(scratch).empty());
  info.signatures.insert(trusted.sign(info.fingerprint(store->store_dir())));
  add();
  CHECK(store->require(info.path).signatures == info.signatures);
}

TEST_CASE("a content address is believed only with the content") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const std::string nar = tree_nar("hello");
  const Hash hash = hash_bytes(HashAlgorithm::sha256, as_bytes(nar));
  const Hash lie = hash_bytes(HashAlgorithm::sha256, as_bytes("lie"));
  const auto add = [&](const ContentAddress& address, const std::string& bytes) {
    const StorePath path = make_content_addressed_path(store->store_dir(), "x", address);
    PathInfo info = info_of(bytes, path.base_name());
    info.content_address = address;
    StringSource source(bytes);
    store->add_nar(info, source, SignaturePolicy::require_trusted);
  };
  add({ContentAddressMethod::nar, hash}, nar);
  add({ContentAddressMethod::nar, hash_bytes(HashAlgorithm::sha1, as_bytes(nar))}, nar);
  CHECK(code_of([&] { add({ContentAddressMethod::nar, lie}, nar); }) == Code::hash_mismatch);
  CHECK(code_of([&] { add({ContentAddressMethod::flat, hash}, nar); }) == Code::hash_mismatch);

  PathInfo elsewhere = info_of(nar, path_a);
  elsewhere.content_address = ContentAddress{ContentAddressMethod::nar, hash};
  StringSource source(nar);
  CHECK(code_of([&] { store->add_nar(elsewhere, source, SignaturePolicy::require_trusted); }) ==
        Code::hash_mismatch);
}

TEST_CASE("content is added by its git hash") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const std::string nar = tree_nar("hello");
  StringSource source(nar);
  const AddContent how{.name = "tree",
                       .method = ContentAddressMethod::git,
                       .algorithm = HashAlgorithm::sha1,
                       .references = {}};
  const PathInfo info = store->add_content(how, source);
  CHECK(info.content_address->to_string().starts_with("fixed:git:sha1:"));
  CHECK(info.is_content_addressed(store->store_dir()));
  CHECK(info.nar_hash == hash_bytes(HashAlgorithm::sha256, as_bytes(nar)));

  // Another store believes the address only with the content.
  const auto add = [&](const std::string& bytes) {
    const Scratch elsewhere;
    PathInfo copied = info_of(bytes, info.path.base_name());
    copied.content_address = info.content_address;
    StringSource again(bytes);
    open_in(elsewhere)->add_nar(copied, again, SignaturePolicy::require_trusted);
  };
  add(nar);
  CHECK(code_of([&] { add(tree_nar("other")); }) == Code::hash_mismatch);
}

TEST_CASE("a content address with a self-reference is checked modulo its path") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  // The content mentions its own hash part; the hash is of the NAR with NULs there, and offsets.
  const std::string blank(store_path_hash_part_length, '\0');
  const std::string modulo = tree_nar("see " + blank + "!" + blank);
  const std::size_t at = modulo.find(blank + "!");
  const std::size_t second = at + blank.size() + 1;
  const Hash hash = hash_bytes(HashAlgorithm::sha256, as_bytes(modulo + "|" + std::to_string(at) +
                                                               "|" + std::to_string(second)));
  const ContentAddress address{ContentAddressMethod::nar, hash};
  const StorePath path =
      make_content_addressed_path(store->store_dir(), "self", address, {.self = true});
  const std::string part(path.hash_part());
  const auto add = [&](const std::string& nar) {
    PathInfo info = info_of(nar, path.base_name());
    info.content_address = address;
    info.references = {path};
    StringSource source(nar);
    store->add_nar(info, source, SignaturePolicy::require_trusted);
  };
  CHECK(code_of([&] { add(tree_nar("see " + part + "?" + part)); }) == Code::hash_mismatch);
  CHECK(code_of([&] { add(modulo); }) == Code::hash_mismatch);
  add(tree_nar("see " + part + "!" + part));
  CHECK(store->find_referrers(std::vector{path}).front() == StorePathSet{path});
}

TEST_CASE("a derivation is checked before it becomes valid") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  Derivation derivation{.name = "d",
                        .outputs = {{"out", DeferredOutput{}}},
                        .system = "x86_64-linux",
                        .builder = "/bin/sh"};
  derivation.environment = {{"out", ""}, {"name", "d"}};
  DerivationHasher hasher(store->store_dir(),
                          [&](const StorePath& path) { return store->read_derivation(path); });
  hasher.fill_in_outputs(derivation);
  const StorePath path = store->add_derivation(derivation);
  const StorePath output = *derivation.output_path(store->store_dir(), "out");
  CHECK(store->read_derivation(path) == derivation);
  CHECK(store->find_derivers(std::vector{output, path}) == std::vector<StorePathSet>{{path}, {}});

  Derivation forged = derivation;
  forged.arguments = {"-c", "evil"};
  const std::string text = print_derivation(forged, store->store_dir());
  const std::optional<Error> error = error_of([&] { add_text(*store, "d.drv", text); });
  REQUIRE(error);
  CHECK(error->code() == Code::invalid_derivation);
  CHECK(code_of([&] { add_text(*store, "e.drv", "Derive(nonsense"); }) == Code::malformed);
  CHECK(entries(scratch) == path.base_name() + "\n");
}

TEST_CASE("many threads add the same objects") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const auto second = open_in(scratch);
  const std::string nar = tree_nar("hello");
  std::vector<Code> failures;
  std::mutex mutex;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        LocalStore& mine = i % 2 == 0 ? *store : *second;
        for (int round = 0; round < 10; ++round) {
          try {
            StringSource source(nar);
            mine.add_nar(info_of(nar, path_a), source, SignaturePolicy::accept_unsigned);
            add_text(mine, "t", "round " + std::to_string(round));
          } catch (const Error& error) {
            const std::lock_guard lock(mutex);
            failures.push_back(error.code());
          }
        }
      });
    }
  }
  CHECK(failures.empty());
  CHECK(store->all_valid_paths().size() == 11);
  CHECK(store->verify({.check_contents = true}).problems.empty());
}

TEST_CASE("who adds what another one is adding waits, and does not do it again") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const auto second = open_in(scratch);
  const std::string nar = tree_nar("hello");
  // Stops in the middle until it is told to go on.
  class SlowSource final : public Source {
   public:
    explicit SlowSource(std::string_view text) : text_(text) {}
    std::size_t read(std::span<std::byte> buffer) override {
      if (++reads_ == 3) {
        reached.set_value();
        go_on.get_future().wait();
      }
      return text_.read(buffer.first(std::min<std::size_t>(buffer.size(), 50)));
    }
    std::promise<void> reached;
    std::promise<void> go_on;

   private:
    StringSource text_;
    int reads_ = 0;
  };
  const auto staged = [&] {
    int count = 0;
    for (const DirectoryEntry& entry : Directory::open(scratch.path("root/nix/store")).list()) {
      count += entry.name.find("-staging-") != std::string::npos ? 1 : 0;
    }
    return count;
  };
  SlowSource slow(nar);
  StringSource fast(nar);
  std::jthread first(
      [&] { store->add_nar(info_of(nar, path_a), slow, SignaturePolicy::accept_unsigned); });
  slow.reached.get_future().wait();
  CHECK(staged() == 1);
  std::atomic<bool> returned = false;
  std::jthread other([&] {
    second->add_nar(info_of(nar, path_a), fast, SignaturePolicy::accept_unsigned);
    returned = true;
  });
  // It has asked for the lock by now, or will; in no case has it begun to write.
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK(staged() == 1);
  CHECK_FALSE(returned);
  slow.go_on.set_value();
  first.join();
  other.join();
  CHECK(store->all_valid_paths() == StorePathSet{StorePath::parse(path_a)});
  std::byte rest[1];
  CHECK(fast.read(rest) == 0);  // the whole source was taken
  CHECK(entries(scratch) == path_a + "\n");
}

TEST_CASE("an object is added before its name is known") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const std::string nar = tree_nar("hello");
  const PathInfo expected = info_of(nar, path_a);
  const auto add = [&](std::string_view text, const LocalStore::Describe& describe,
                       SignaturePolicy policy = SignaturePolicy::accept_unsigned) {
    StringSource source(text);
    return store->add_unnamed_nar(source, describe, policy);
  };
  const auto describe = [&](const Hash& nar_hash, std::uint64_t nar_size) {
    CHECK(nar_hash == expected.nar_hash);
    CHECK(nar_size == expected.nar_size);
    return expected;
  };
  SECTION("and is valid then, once") {
    CHECK(add(nar, describe) == expected.path);
    CHECK(nar_of(*store, expected.path) == nar);
    CHECK(store->require(expected.path).registration_time > 0);
    CHECK(add(nar, describe) == expected.path);
    CHECK(entries(scratch) == path_a + "\n");
  }
  SECTION("unless it must be signed") {
    CHECK(code_of([&] { add(nar, describe, SignaturePolicy::require_trusted); }) ==
          Code::not_trusted);
    CHECK(entries(scratch).empty());
  }
  SECTION("unless something is missing") {
    CHECK(code_of([&] { add(nar.substr(0, nar.size() - 8), describe); }) == Code::malformed);
    const auto lacking = [&](const Hash&, std::uint64_t) {
      PathInfo info = expected;
      info.references = {StorePath::parse(path_b)};
      return info;
    };
    CHECK(code_of([&] { add(nar, lacking); }) == Code::not_found);
    CHECK(entries(scratch).empty());
  }
  SECTION("unless it claims to prove itself") {
    const auto claiming = [&](const Hash& nar_hash, std::uint64_t) {
      PathInfo info = expected;
      info.content_address = ContentAddress{ContentAddressMethod::nar, nar_hash};
      return info;
    };
    CHECK(code_of([&] { add(nar, claiming); }) == Code::invalid_argument);
    CHECK(entries(scratch).empty());
  }
}
