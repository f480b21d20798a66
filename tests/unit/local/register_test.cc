#include "catch.hh"
#include "errors.hh"
#include "local_fixture.hh"

#include <sys/stat.h>
#include <unistd.h>

using namespace cinch;
using namespace cinch::test;

namespace {

std::string dump(LocalStore& store) {
  StringSink sink(std::uint64_t{1} << 20);
  store.write_registrations(sink);
  return sink.take();
}

std::vector<ValidityRegistration> parse(std::string_view text) {
  StringSource source(text);
  RegistrationReader reader(source, StoreDir(), RegistrationHashes::given);
  std::vector<ValidityRegistration> all;
  while (auto one = reader.next()) all.push_back(*std::move(one));
  return all;
}

// What an installer leaves in the store directory.
void unpack(const Scratch& scratch, const std::string& base_name, std::string_view nar) {
  const Directory objects = Directory::open(scratch.path("root/nix/store"));
  TreeWriter writer(objects, base_name);
  NarParserSink parser(writer);
  parser.write(as_bytes(nar));
  parser.finish();
  writer.finish();
}

}  // namespace

TEST_CASE("what a store knows is written, and read into a new database") {
  const Scratch scratch;
  std::string text;
  StorePath a = StorePath::parse(path_a);
  StorePath b = a;
  {
    const auto store = open_in(scratch);
    a = add_text(*store, "a", "one").path;
    b = add_text(*store, "b", "two", {a}).path;
    text = dump(*store);
    StringSink one(1000);
    store->write_registrations(one, StorePathSet{a});
    CHECK(parse(one.text()).size() == 1);
    CHECK(code_of([&] {
            store->write_registrations(one, StorePathSet{StorePath::parse(path_a)});
          }) == Code::not_found);
  }
  Directory::open(scratch.path("root/nix/var/nix")).remove_tree("db");
  const auto store = open_in(scratch);
  CHECK(store->all_valid_paths().empty());
  // In whatever order.
  std::vector<ValidityRegistration> known = parse(text);
  std::swap(known.front(), known.back());
  store->register_paths(known);
  CHECK(dump(*store) == text);
  CHECK(store->find_referrers(std::vector{a}).front() == StorePathSet{b});
  CHECK(store->verify({.check_contents = true}).problems.empty());
}

TEST_CASE("registering hashes what has no hash, and makes objects of files") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const std::string nar = tree_nar("text");
  unpack(scratch, path_a, nar);
  const StorePath a = StorePath::parse(path_a);
  store->register_paths(std::vector{ValidityRegistration{.path = a, .references = {a}}});
  const PathInfo info = store->require(a);
  CHECK(info.nar_hash == info_of(nar, path_a).nar_hash);
  CHECK(info.nar_size == nar.size());
  CHECK(info.references == StorePathSet{a});
  struct stat status;
  for (const auto& [name, mode] : std::vector<std::pair<std::string, mode_t>>{
           {"", S_IFDIR | 0555}, {"/bin/run", S_IFREG | 0555}, {"/bin", S_IFDIR | 0555}}) {
    REQUIRE(::lstat((store->real_path(a) + name).c_str(), &status) == 0);
    CHECK(status.st_mode == mode);
    CHECK(status.st_mtime == 1);
  }
  REQUIRE(::lstat((store->real_path(a) + "/link").c_str(), &status) == 0);
  CHECK(status.st_mtime == 1);
}

TEST_CASE("what is valid is registered again only on request") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const PathInfo info = add_text(*store, "a", "one");
  ValidityRegistration other = registration_of(info);
  other.nar_hash = hash_bytes(HashAlgorithm::sha256, as_bytes("other"));
  store->register_paths(std::vector{other});
  CHECK(store->require(info.path).nar_hash == info.nar_hash);
  store->register_paths(std::vector{other}, {.reregister = true});
  CHECK(store->require(info.path).nar_hash == other.nar_hash);
}

TEST_CASE("registering is all or nothing") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const StorePath a = StorePath::parse(path_a);
  const StorePath b = StorePath::parse(path_b);
  unpack(scratch, path_a, tree_nar("a"));
  CHECK(code_of([&] {
          store->register_paths(
              std::vector{ValidityRegistration{.path = a}, ValidityRegistration{.path = b}});
        }) == Code::not_found);
  CHECK(code_of([&] {
          store->register_paths(std::vector{ValidityRegistration{.path = a, .references = {b}}});
        }) == Code::not_found);
  unpack(scratch, path_c + ".drv", tree_nar("no derivation"));
  CHECK(error_of([&] {
    store->register_paths(
        std::vector{ValidityRegistration{.path = a},
                    ValidityRegistration{.path = StorePath::parse(path_c + ".drv")}});
  }));
  REQUIRE(::mkfifo(scratch.path("root/nix/store/" + path_b).c_str(), 0600) == 0);
  CHECK(code_of([&] { store->register_paths(std::vector{ValidityRegistration{.path = b}}); }) ==
        Code::not_supported);
  CHECK(store->all_valid_paths().empty());
  CHECK(code_of([&] {
          open_in(scratch, {.read_only = true})
              ->register_paths(std::vector{ValidityRegistration{.path = a}});
        }) == Code::read_only);
}
