// A database that is made anew, by the interface; tests/cli/rebuild_test.py has the damage.
#include "catch.hh"
#include "errors.hh"
#include "local_fixture.hh"
#include "sql.hh"

#include <cinch/core/derivation.hh>
#include <cinch/local/database_rebuild.hh>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace cinch;
using namespace cinch::test;

namespace {

RebuildReport rebuild(const Scratch& scratch, RebuildOptions options = {}) {
  return rebuild_database({.root = scratch.path("root"), .fsync_metadata = false}, options);
}

void lose_database(const Scratch& scratch) {
  const Directory db = Directory::open(scratch.path("root/nix/var/nix/db"));
  for (const char* name : {"db.sqlite", "db.sqlite-wal", "db.sqlite-shm"}) db.remove_tree(name);
}

// Pages of a database file, from 1 on; as they are on disk.
class Pages {
 public:
  explicit Pages(const std::string& file) : file_(std::fopen(file.c_str(), "r+b")) {
    REQUIRE(file_);
  }
  std::string read(std::uint32_t page) {
    std::string bytes(size, '\0');
    seek(page);
    REQUIRE(std::fread(bytes.data(), 1, size, file_.get()) == size);
    return bytes;
  }
  void write(std::uint32_t page, const std::string& bytes) {
    seek(page);
    REQUIRE(std::fwrite(bytes.data(), 1, size, file_.get()) == size);
  }
  // Of a table's root that is no leaf, in order; but for the last one.
  std::vector<std::uint32_t> children(std::uint32_t root) {
    const std::string bytes = read(root);
    REQUIRE(bytes[0] == 5);
    std::vector<std::uint32_t> found;
    for (std::size_t i = 0; i < number(bytes, 3, 2); ++i) {
      found.push_back(number(bytes, number(bytes, cells_begin + 2 * i, 2), 4));
    }
    return found;
  }

 private:
  static constexpr std::size_t size = 4096;
  static constexpr std::size_t cells_begin = 12;
  static std::uint32_t number(const std::string& bytes, std::size_t at, std::size_t count) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      value = value << 8U | static_cast<unsigned char>(bytes[at + i]);
    }
    return value;
  }
  void seek(std::uint32_t page) {
    REQUIRE(std::fseek(file_.get(), static_cast<long>((page - 1) * size), SEEK_SET) == 0);
  }
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
};

// Those of Nix until 2.34, without indexes.
constexpr const char* realisation_tables =
    "create table Realisations (id integer primary key autoincrement not null, drvPath text not "
    "null, outputName text not null, outputPath integer not null, signatures text, "
    "foreign key (outputPath) references ValidPaths(id) on delete cascade);"
    "create table RealisationsRefs (referrer integer not null, realisationReference integer, "
    "foreign key (referrer) references Realisations(id) on delete cascade, "
    "foreign key (realisationReference) references Realisations(id) on delete restrict)";

// An object that is not content-addressed, and mentions what it refers to.
PathInfo add_tree(LocalStore& store, const std::string& base_name, StorePathSet references) {
  std::string text;
  for (const StorePath& path : references) text += path.base_name() + "\n";
  const std::string nar = tree_nar(text);
  PathInfo info = info_of(nar, base_name);
  info.references = std::move(references);
  StringSource source(nar);
  store.add_nar(info, source, SignaturePolicy::accept_unsigned);
  return store.require(info.path);
}

void add_two_trees(const Scratch& scratch, StorePathSet references_of_b) {
  const auto store = open_in(scratch);
  add_tree(*store, path_a, {});
  add_tree(*store, path_b, std::move(references_of_b));
}

Derivation fixed(const std::string& name, const std::string& environment) {
  Derivation derivation{.name = name, .system = "any", .builder = "/bin/sh"};
  derivation.outputs.emplace(
      "out", FixedOutput{{ContentAddressMethod::flat,
                          hash_bytes(HashAlgorithm::sha512, as_bytes(std::string_view("text")))}});
  derivation.environment.emplace("made", environment);
  derivation.environment.emplace("out",
                                 StoreDir().print(*derivation.output_path(StoreDir(), "out")));
  return derivation;
}

}  // namespace

TEST_CASE("a lost database is made anew from objects") {
  const Scratch scratch;
  std::vector<PathInfo> before;
  {
    const auto store = open_in(scratch);
    before.push_back(add_text(*store, "a", "one"));
    before.push_back(add_text(*store, "b", before[0].path.base_name(), {before[0].path}));
    before.push_back(add_tree(*store, path_a, {before[0].path, StorePath::parse(path_a)}));
    before.push_back(add_tree(*store, path_b, {before[2].path}));
  }
  lose_database(scratch);
  const RebuildReport report = rebuild(scratch);
  CHECK(report.paths_kept == 0);
  CHECK(report.left_alone.empty());
  CHECK(report.old_database.empty());
  REQUIRE(report.recovered.size() == 4);
  const auto store = open_in(scratch);
  for (PathInfo& info : before) {
    PathInfo after = store->require(info.path);
    after.registration_time = info.registration_time;
    after.ultimate = info.ultimate;
    CHECK(after == info);
  }
  for (const RecoveredPath& one : report.recovered) {
    const bool is_tree = one.path.base_name() == path_a || one.path.base_name() == path_b;
    CHECK(one.proven != is_tree);
  }
  CHECK(store->verify({.check_contents = true}).problems.empty());
}

TEST_CASE("what a source mentions is not what it refers to") {
  const Scratch scratch;
  StorePath source = StorePath::parse(path_a);
  {
    const auto store = open_in(scratch);
    const PathInfo other = add_text(*store, "other", "text");
    source = add_text(*store, "source", other.path.base_name()).path;
  }
  lose_database(scratch);
  rebuild(scratch);
  CHECK(open_in(scratch)->require(source).references.empty());
}

TEST_CASE("a fixed output has the deriver that there is, but none of several") {
  const Scratch scratch;
  StorePath path = StorePath::parse(path_a);
  std::vector<StorePath> derivations;
  {
    const auto store = open_in(scratch);
    StringSource source("text");
    path = store
               ->add_content({.name = "fetched",
                              .method = ContentAddressMethod::flat,
                              .algorithm = HashAlgorithm::sha512},
                             source)
               .path;
    derivations = store->add_derivations(std::vector{fixed("fetched", "one")});
  }
  lose_database(scratch);
  REQUIRE(rebuild(scratch).recovered.size() == 2);
  {
    const auto store = open_in(scratch);
    const PathInfo info = store->require(path);
    CHECK(info.deriver == derivations[0]);
    REQUIRE(info.content_address);
    CHECK(info.content_address->hash.algorithm() == HashAlgorithm::sha512);
    CHECK(store->find_derivers(std::vector{path}).front() == StorePathSet{derivations[0]});
    store->add_derivations(std::vector{fixed("fetched", "another")});
  }
  lose_database(scratch);
  REQUIRE(rebuild(scratch).recovered.size() == 3);
  CHECK_FALSE(open_in(scratch)->require(path).deriver);
}

TEST_CASE("who has the store open is not disturbed") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const std::optional<Error> error = error_of([&] { rebuild(scratch); });
  REQUIRE(error);
  CHECK(error->code() == Code::busy);
  CHECK(error->is_retryable());
  CHECK(error->message().find("(" + std::to_string(::getpid()) + ")") != std::string::npos);
}

TEST_CASE("whoever stops it changes nothing") {
  const Scratch scratch;
  add_text(*open_in(scratch), "a", "one");
  std::stop_source stop;
  stop.request_stop();
  const struct stat before =
      *Directory::open(scratch.path("root/nix/var/nix/db")).stat("db.sqlite");
  CHECK(code_of([&] {
          rebuild_database({.root = scratch.path("root")}, {}, {}, stop.get_token());
        }) == Code::cancelled);
  const Directory db = Directory::open(scratch.path("root/nix/var/nix/db"));
  CHECK(db.stat("db.sqlite")->st_ino == before.st_ino);
  CHECK_FALSE(db.stat("db.sqlite.rebuilt"));
}

TEST_CASE("the mark of what is on disk does not outlive the rows it is about") {
  const Scratch scratch;
  add_text(*open_in(scratch), "a", "one");
  const std::string own = own_database_of(scratch);
  CHECK(first_value(own, "select count(*) from Durability") == "1");
  lose_database(scratch);
  rebuild(scratch);
  CHECK(first_value(own, "select count(*) from Durability") == "0");
}

TEST_CASE("numbers of rows are kept, and new ones are greater") {
  const Scratch scratch;
  {
    const auto store = open_in(scratch);
    for (int i = 0; i < 5; ++i) add_text(*store, "t" + std::to_string(i), "x");
  }
  const std::string file = database_of(scratch);
  const std::string last = first_value(file, "select path from ValidPaths where id = 5");
  execute(file, "delete from ValidPaths where id = 2; update ValidPaths set id = 70 where id = 5");
  const RebuildReport report = rebuild(scratch);
  CHECK(report.paths_kept == 4);
  REQUIRE(report.recovered.size() == 1);
  CHECK(first_value(file, "select path from ValidPaths where id = 70") == last);
  CHECK(first_value(file, "select id from ValidPaths where path = '/nix/store/" +
                              report.recovered[0].path.base_name() + "'") == "71");
}

TEST_CASE("a reference whose row is lost is found in the object") {
  const Scratch scratch;
  add_two_trees(scratch, {StorePath::parse(path_a)});
  execute(database_of(scratch), "delete from ValidPaths where path like '%-a'");
  CHECK(rebuild(scratch).paths_kept == 1);
  const auto store = open_in(scratch);
  CHECK(store->require(StorePath::parse(path_b)).references ==
        StorePathSet{StorePath::parse(path_a)});
}

TEST_CASE("a kept row loses only references to what is not there") {
  const Scratch scratch;
  add_two_trees(scratch, {StorePath::parse(path_a)});
  execute(database_of(scratch), "delete from ValidPaths where path like '%-a'");
  REQUIRE(::chmod(scratch.path("root/nix/store/" + path_a + "/bin/run").c_str(), 0666) == 0);
  const RebuildReport report = rebuild(scratch);
  CHECK(report.references_dropped == 1);
  REQUIRE(report.left_alone.size() == 1);
  CHECK(report.left_alone[0].name == path_a);
  CHECK(open_in(scratch)->require(StorePath::parse(path_b)).references.empty());
  CHECK(rebuild(scratch, {.unfinished = true}).recovered.size() == 1);
  struct stat status;
  REQUIRE(::stat(scratch.path("root/nix/store/" + path_a + "/bin/run").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0444);
}

TEST_CASE("realisations of what is lost go, and what refers to them") {
  const Scratch scratch;
  {
    const auto store = open_in(scratch);
    add_tree(*store, path_a, {});
    add_text(*store, "kept", "text");
  }
  const std::string file = database_of(scratch);
  execute(file, realisation_tables);
  execute(file,
          "insert into Realisations select id, 'sha256:0' || id, 'out', id, null from ValidPaths;"
          "insert into RealisationsRefs select a.id, b.id from Realisations a, Realisations b;"
          "delete from Refs; delete from ValidPaths where path like '%-a'");
  Directory::open(scratch.path("root/nix/store")).remove_tree(path_a);
  CHECK(rebuild(scratch).paths_kept == 1);
  CHECK(first_value(file,
                    "select group_concat(v.path like '%-kept') from Realisations r "
                    "join ValidPaths v on v.id = outputPath") == "1");
  CHECK(first_value(file, "select count(*) from Realisations") == "1");
  CHECK(first_value(file, "select count(*) from RealisationsRefs") == "1");
  CHECK(first_value(file, "select count(*) from pragma_foreign_key_check") == "0");
}

TEST_CASE("no path gets the number of another one that is lost") {
  const Scratch scratch;
  add_two_trees(scratch, {});
  const std::string file = database_of(scratch);
  SECTION("as realisations may mean it") {
    execute(file, realisation_tables);
    execute(file,
            "insert into Realisations values (1, 'sha256:00', 'out', 900, null);"
            "delete from sqlite_sequence; delete from ValidPaths");
  }
  SECTION("as references may mean it") {
    execute(file,
            "insert into Refs values (1, 900); delete from sqlite_sequence;"
            "delete from ValidPaths");
  }
  SECTION("as the counter says that there was one") {
    execute(file,
            "delete from ValidPaths; update sqlite_sequence set seq = 900 "
            "where name = 'ValidPaths'");
  }
  SECTION("unless the number is none") {
    execute(file,
            "delete from ValidPaths; insert into Refs values (9223372036854775807, 900);"
            "delete from sqlite_sequence");
  }
  CHECK(rebuild(scratch).recovered.size() == 2);
  CHECK(first_value(file, "select group_concat(id) from ValidPaths") == "901,902");
}

TEST_CASE("a number that only the index of paths knows stays with its path") {
  const Scratch scratch;
  add_two_trees(scratch, {});
  const std::string file = database_of(scratch);
  execute(file,
          "update ValidPaths set hash = 'none', id = 10 where path like '%-b';"
          "delete from ValidPaths where path like '%-a'; delete from sqlite_sequence");
  CHECK(rebuild(scratch).recovered.size() == 2);
  CHECK(first_value(file, "select id from ValidPaths where path like '%-b'") == "10");
  CHECK(first_value(file, "select id from ValidPaths where path like '%-a'") == "11");
}

TEST_CASE("a page in the place of another one of its table") {
  const Scratch scratch;
  open_in(scratch);
  const std::string file = database_of(scratch);
  execute(file,
          "with recursive n(i) as (values (1) union all select i + 1 from n where i < 2000) "
          "insert into ValidPaths (id, path, hash, registrationTime) "
          "select i, printf('/nix/store/%032d-x', i), printf('sha256:%064d', i), 1 from n;"
          "pragma wal_checkpoint(truncate)");
  const auto root =
      first_value(file, "select rootpage from sqlite_master where name = 'ValidPaths'");
  Pages pages(file);
  const std::vector<std::uint32_t> leaves =
      pages.children(static_cast<std::uint32_t>(std::stoul(root)));
  REQUIRE(leaves.size() > 20);
  SECTION("does not send the reader back for ever") {
    pages.write(leaves[2], pages.read(leaves[0]));
    pages.write(leaves[3], std::string(4096, '\0'));
    const RebuildReport report = rebuild(scratch);
    CHECK(report.paths_kept > 1800);
    CHECK(report.paths_kept < 2000);
  }
  SECTION("does not give one number to two paths") {
    std::string stale = pages.read(leaves[0]);
    for (std::size_t at = 0; (at = stale.find("-xsha256:", at)) != std::string::npos;) {
      stale[at + 1] = 'y';
    }
    pages.write(leaves[2], stale);
    CHECK(rebuild(scratch).paths_kept > 1900);
    CHECK(first_value(file,
                      "select count(*) > 10 and min(id) > 2000 from ValidPaths "
                      "where path like '%-y'") == "1");
  }
  SECTION("does not hide the rows between") {
    pages.write(leaves[2], pages.read(leaves[18]));
    CHECK(rebuild(scratch).paths_kept > 1900);
  }
}

TEST_CASE("a fixed output that is not what its derivation says is left alone") {
  const Scratch scratch;
  const Derivation derivation = fixed("fetched", "one");
  const StorePath output = *derivation.output_path(StoreDir(), "out");
  std::vector<StorePath> derivations;
  {
    const auto store = open_in(scratch);
    derivations = store->add_derivations(std::vector{derivation});
    add_tree(*store, output.base_name(), {});
  }
  lose_database(scratch);
  for (const bool unfinished : {false, true}) {
    const RebuildReport report = rebuild(scratch, {.unfinished = unfinished});
    REQUIRE(report.left_alone.size() == 1);
    CHECK(report.left_alone[0].name == output.base_name());
    CHECK(report.left_alone[0].reason.find("not what its derivation says") != std::string::npos);
  }
  CHECK(open_in(scratch)->all_valid_paths() == StorePathSet{derivations[0]});
}

TEST_CASE("a wrong row of an object that proves itself is kept where the object is not taken") {
  const Scratch scratch;
  StorePath text = StorePath::parse(path_b);
  StorePath above = text;
  {
    const auto store = open_in(scratch);
    const StorePath lost = add_tree(*store, path_a, {}).path;
    text = add_text(*store, "text", lost.base_name(), {lost}).path;
    above = add_text(*store, "above", text.base_name(), {text}).path;
  }
  const std::string file = database_of(scratch);
  execute(file,
          "delete from ValidPaths where path like '%-a' or path like '%-above';"
          "update ValidPaths set hash = printf('sha256:%064d', 0)");
  SECTION("as it refers to what is not valid") {
    REQUIRE(::chmod(scratch.path("root/nix/store/" + path_a + "/bin/run").c_str(), 0666) == 0);
  }
  SECTION("as it leads to a cycle") {
    const Directory objects = Directory::open(scratch.path("root/nix/store"));
    objects.remove_tree(path_a);
    for (const auto& [name, other] : {std::pair(path_a, path_c), std::pair(path_c, path_a)}) {
      objects.write_file(name, other, 0444);
      const std::array<struct timespec, 2> times = {{{.tv_sec = 1}, {.tv_sec = 1}}};
      REQUIRE(::utimensat(objects.get(), name.c_str(), times.data(), 0) == 0);
    }
  }
  const RebuildReport report = rebuild(scratch);
  CHECK(report.paths_kept == 1);
  REQUIRE(report.problems.size() == 1);
  CHECK(report.problems[0].path == text);
  CHECK(report.problems[0].kind == VerifyProblemKind::changed);
  for (const LeftAlone& one : report.left_alone) CHECK(one.name != text.base_name());
  CHECK(first_value(file, "select hash from ValidPaths where path like '%-text'") ==
        "sha256:" + std::string(64, '0'));
}

TEST_CASE("who has the database open without the locks of the store loses nothing") {
  const Scratch scratch;
  add_text(*open_in(scratch), "a", "one");
  const std::string file = database_of(scratch);
  sqlite3* stranger = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &stranger) == SQLITE_OK);
  const auto run = [&](const char* sql) {
    CHECK(sqlite3_exec(stranger, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  };
  RebuildOptions options;
  SECTION("one that reads") {
    run("begin; select * from ValidPaths");
    execute(file, "update ValidPaths set registrationTime = 5");
  }
  SECTION("one that excludes others") {
    run("pragma locking_mode = exclusive; begin immediate;"
        "update ValidPaths set registrationTime = 5; commit");
    options.dry_run = true;
  }
  const std::optional<Error> error = error_of([&] { rebuild(scratch, options); });
  sqlite3_close(stranger);
  REQUIRE(error);
  CHECK(error->code() == Code::busy);
  CHECK(error->is_retryable());
  CHECK(rebuild(scratch).unchanged);
  CHECK(first_value(file, "select registrationTime from ValidPaths") == "5");
}

TEST_CASE("one object of another user does not end it") {
  if (::geteuid() != 0) return;  // nobody else can give files away
  constexpr uid_t user = 65534;
  const Scratch scratch;
  add_two_trees(scratch, {});
  lose_database(scratch);
  REQUIRE(std::system(("chown -R 65534 '" + scratch.path("") + "'").c_str()) == 0);
  for (const std::string& name : {path_a, path_b}) {
    const std::string file = scratch.path("root/nix/store/" + name + "/bin/run");
    REQUIRE(::chmod(file.c_str(), 0644) == 0);
    if (name == path_a) REQUIRE(::chown(file.c_str(), user - 1, user - 1) == 0);
  }
  REQUIRE(::seteuid(user) == 0);
  RebuildReport report;
  const std::optional<Error> error =
      error_of([&] { report = rebuild(scratch, {.unfinished = true}); });
  REQUIRE(::seteuid(0) == 0);
  REQUIRE_FALSE(error);
  REQUIRE(report.left_alone.size() == 1);
  CHECK(report.left_alone[0].name == path_a);
  REQUIRE(report.recovered.size() == 1);
  CHECK(report.recovered[0].path.base_name() == path_b);
}
