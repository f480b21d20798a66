// The tables of realisations, of both generations.
#include "catch.hh"
#include "errors.hh"
#include "local_fixture.hh"
#include "sql.hh"

#include <cinch/core/realisation.hh>
#include <cinch/core/signature.hh>

#include <map>
#include <string>
#include <vector>

namespace cinch {

using test::add_text;
using test::code_of;
using test::open_in;
using test::Scratch;

namespace {

constexpr SignaturePolicy unsigned_too = SignaturePolicy::accept_unsigned;

std::vector<std::string> query(const Scratch& scratch, const std::string& sql) {
  return test::execute(test::database_of(scratch), sql);
}

std::vector<std::string> names(const Scratch& scratch) {
  return query(scratch,
               "select name from sqlite_master where name like '%ealisation%' or name like "
               "'%BuildTrace%' or name = 'SchemaMigrations' order by name");
}

HashedRealisation by_hash(char digit, const StorePath& path) {
  return {.key = HashedRealisationKey::parse("sha256:" + std::string(64, digit) + "!out"),
          .path = path,
          .signatures = {},
          .dependencies = {}};
}

Realisation by_path(const std::string& base_name, const StorePath& path) {
  return {.key = {.derivation = StorePath::parse(base_name), .output = "out"},
          .path = path,
          .signatures = {}};
}

template <class Value>
std::span<const Value> one(const Value& value) {
  return {&value, 1};
}

const std::string derivation = "00000000000000000000000000000000-a.drv";

}  // namespace

TEST_CASE("a store without tables of realisations has none, and asking makes none") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const StorePath path = add_text(*store, "a", "a").path;
  CHECK_FALSE(store->find_hashed_realisations(one(by_hash('0', path).key)).front());
  CHECK_FALSE(store->find_realisations(one(by_path(derivation, path).key)).front());
  CHECK(store->all_realisations().empty());
  CHECK(store->all_hashed_realisations().empty());
  CHECK(names(scratch).empty());
}

TEST_CASE("realisations by hash are registered, found and listed") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const StorePath a = add_text(*store, "a", "a").path;
  const StorePath b = add_text(*store, "b", "b").path;
  const SecretKey key = SecretKey::generate("k");
  HashedRealisation needed = by_hash('0', a);
  HashedRealisation needy = by_hash('1', b);
  needy.dependencies = {{needed.key, a}};
  needed.signatures = {key.sign(needed.fingerprint())};
  // In any order, in one batch.
  const std::vector both{needy, needed};
  store->register_hashed_realisations(both, unsigned_too);

  const std::vector keys{needed.key, by_hash('2', a).key, needy.key};
  const auto found = store->find_hashed_realisations(keys);
  REQUIRE(found.size() == 3);
  CHECK(found[0] == needed);
  CHECK_FALSE(found[1]);
  CHECK(found[2] == needy);
  CHECK(store->all_hashed_realisations() == std::vector{needed.key, needy.key});
  CHECK(store->all_realisations().empty());
  CHECK(names(scratch) ==
        std::vector<std::string>{"DeleteSelfRefsViaRealisations", "IndexRealisations",
                                 "IndexRealisationsRefs", "IndexRealisationsRefsOnOutputPath",
                                 "IndexRealisationsRefsRealisationReference", "Realisations",
                                 "RealisationsRefs", "SchemaMigrations"});
  CHECK(query(scratch, "select migration from SchemaMigrations") ==
        std::vector<std::string>{"20220326-ca-derivations"});
}

TEST_CASE("registering again adds signatures, and nothing twice") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const StorePath a = add_text(*store, "a", "a").path;
  const SecretKey one_key = SecretKey::generate("k1");
  const SecretKey other_key = SecretKey::generate("k2");
  HashedRealisation hashed = by_hash('0', a);
  HashedRealisation needy = by_hash('1', a);
  needy.dependencies = {{hashed.key, a}};
  Realisation named = by_path(derivation, a);
  for (const SecretKey* key : {&one_key, &other_key, &one_key}) {
    hashed.signatures = {key->sign(hashed.fingerprint())};
    named.signatures = {key->sign(named.fingerprint())};
    store->register_hashed_realisations(one(hashed), unsigned_too);
    store->register_hashed_realisations(one(needy), unsigned_too);
    store->register_realisations(one(named), unsigned_too);
  }
  CHECK(store->find_hashed_realisations(one(hashed.key)).front()->signatures.size() == 2);
  CHECK(store->find_realisations(one(named.key)).front()->signatures.size() == 2);
  CHECK(query(scratch, "select count(*) from Realisations").front() == "2");
  CHECK(query(scratch, "select count(*) from RealisationsRefs").front() == "1");
  CHECK(query(scratch, "select count(*) from BuildTraceV3").front() == "1");
}

TEST_CASE("signatures stay with the dependencies that they are of") {
  const Scratch scratch;
  const SecretKey key = SecretKey::generate("k");
  const SecretKey other_key = SecretKey::generate("other");
  const auto store = open_in(scratch);
  const StorePath a = add_text(*store, "a", "a").path;
  const std::vector needed{by_hash('0', a), by_hash('1', a)};
  store->register_hashed_realisations(needed, unsigned_too);
  const auto needing = [&](std::vector<int> which, const SecretKey& signer) {
    HashedRealisation made = by_hash('2', a);
    for (const int one : which) made.dependencies.emplace(needed[one].key, a);
    made.signatures = {signer.sign(made.fingerprint())};
    return made;
  };
  const auto put = [&](std::vector<HashedRealisation> batch) {
    return code_of([&] { store->register_hashed_realisations(batch, unsigned_too); });
  };
  const auto kept = [&] {
    return store->find_hashed_realisations(one(by_hash('2', a).key)).front();
  };
  const HashedRealisation with_none = needing({}, key);
  const HashedRealisation with_first = needing({0}, key);

  // In one batch none is known yet, and still the two do not fit.
  CHECK(put({with_first, needing({1}, key)}) == Code::invalid_argument);
  CHECK_FALSE(kept());
  CHECK_FALSE(put({with_none}));
  CHECK(kept() == with_none);
  CHECK_FALSE(put({with_first}));  // those are more than none
  CHECK(kept() == with_first);
  CHECK_FALSE(put({with_none}));
  CHECK(kept() == with_first);
  for (const auto& others : {std::vector{1}, std::vector{0, 1}}) {
    CHECK(put({needing(others, other_key)}) == Code::invalid_argument);
    CHECK(kept() == with_first);
  }
  CHECK_FALSE(put({needing({0}, other_key)}));
  const HashedRealisation both_signed = *kept();
  CHECK(both_signed.dependencies == with_first.dependencies);
  CHECK(both_signed.signatures.size() == 2);
  for (const SecretKey* signer : {&key, &other_key}) {
    CHECK(both_signed.signatures.contains(signer->sign(both_signed.fingerprint())));
  }
}

TEST_CASE("realisations by path have a table of their own, as Nix 2.35 has it") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const StorePath a = add_text(*store, "a", "a").path;
  // The path need not be here.
  const StorePath absent = StorePath::parse(test::path_b);
  const std::vector both{by_path(derivation, a), by_path("1" + derivation.substr(1), absent)};
  store->register_realisations(both, unsigned_too);
  CHECK(store->find_realisations(one(both[0].key)).front() == both[0]);
  CHECK(store->find_realisations(one(both[1].key)).front() == both[1]);
  CHECK(store->all_realisations() == std::vector{both[0].key, both[1].key});
  CHECK(store->all_hashed_realisations().empty());
  CHECK(names(scratch) ==
        std::vector<std::string>{"BuildTraceV3", "IndexBuildTraceV3", "SchemaMigrations"});
  CHECK(query(scratch, "select migration from SchemaMigrations") ==
        std::vector<std::string>{"20251017-ca-derivations"});
  CHECK(query(scratch,
              "select drvPath || ' ' || outputName || ' ' || outputPath || "
              "ifnull(signatures, ' null') from BuildTraceV3 order by id") ==
        std::vector<std::string>{derivation + " out /nix/store/" + a.base_name(),
                                 "1" + derivation.substr(1) + " out /nix/store/" + test::path_b});
}

TEST_CASE("what contradicts, or hangs in the air, is refused, and nothing of the batch is kept") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const StorePath a = add_text(*store, "a", "a").path;
  const StorePath b = add_text(*store, "b", "b").path;
  const StorePath absent = StorePath::parse(test::path_c);
  store->register_hashed_realisations(one(by_hash('0', a)), unsigned_too);
  store->register_realisations(one(by_path(derivation, a)), unsigned_too);
  const auto refused = [&](std::vector<HashedRealisation> batch) {
    return code_of([&] { store->register_hashed_realisations(batch, unsigned_too); });
  };
  CHECK(refused({by_hash('5', a), by_hash('0', b)}) == Code::invalid_argument);
  CHECK(refused({by_hash('5', a), by_hash('6', absent)}) == Code::not_found);
  HashedRealisation needy = by_hash('5', a);
  needy.dependencies = {{by_hash('9', a).key, a}};
  CHECK(refused({needy}) == Code::not_found);
  needy.dependencies = {{by_hash('0', a).key, b}};
  CHECK(refused({needy}) == Code::invalid_argument);
  CHECK(store->all_hashed_realisations().size() == 1);

  const std::vector batch{by_path("1" + derivation.substr(1), a), by_path(derivation, b)};
  CHECK(code_of([&] { store->register_realisations(batch, unsigned_too); }) ==
        Code::invalid_argument);
  CHECK(store->all_realisations().size() == 1);
}

TEST_CASE("a realisation is trusted as an object is: by a signature of a trusted key") {
  const Scratch scratch;
  const SecretKey trusted = SecretKey::generate("trusted");
  const SecretKey stranger = SecretKey::generate("stranger");
  const auto store = open_in(scratch, {.trusted_keys = {trusted.public_key()}});
  const StorePath a = add_text(*store, "a", "a").path;
  HashedRealisation hashed = by_hash('0', a);
  Realisation named = by_path(derivation, a);
  const auto codes = [&] {
    return std::pair{
        code_of([&] {
          store->register_hashed_realisations(one(hashed), SignaturePolicy::require_trusted);
        }),
        code_of(
            [&] { store->register_realisations(one(named), SignaturePolicy::require_trusted); })};
  };
  const std::pair refused(std::optional(Code::not_trusted), std::optional(Code::not_trusted));
  CHECK(codes() == refused);
  hashed.signatures = {stranger.sign(hashed.fingerprint())};
  named.signatures = {stranger.sign(named.fingerprint())};
  CHECK(codes() == refused);
  hashed.signatures = {trusted.sign(named.fingerprint())};  // of something else
  named.signatures = {trusted.sign(hashed.fingerprint())};
  CHECK(codes() == refused);
  CHECK(names(scratch).empty());
  hashed.signatures = {trusted.sign(hashed.fingerprint())};
  named.signatures = {trusted.sign(named.fingerprint())};
  store->register_hashed_realisations(one(hashed), SignaturePolicy::require_trusted);
  store->register_realisations(one(named), SignaturePolicy::require_trusted);
  CHECK(store->find_hashed_realisations(one(hashed.key)).front() == hashed);
  CHECK(store->find_realisations(one(named.key)).front() == named);
}

TEST_CASE("realisations keep nothing alive; those by hash go with their paths") {
  const Scratch scratch;
  const auto path_of = [&](const std::string& name) {
    return add_text(*open_in(scratch), name, name).path;
  };
  const StorePath kept = path_of("kept");
  const StorePath dead = path_of("dead");
  {
    const auto store = open_in(scratch);
    std::vector all{by_hash('0', dead), by_hash('1', kept), by_hash('2', dead)};
    all[1].dependencies = {{all[0].key, dead}};
    all[2].dependencies = {{all[0].key, dead}, {all[1].key, kept}};
    store->register_hashed_realisations(all, unsigned_too);
    store->register_realisations(one(by_path(derivation, dead)), unsigned_too);
  }
  const auto collector = open_in(scratch);
  collector->add_temporary_roots(one(kept));
  CHECK(collector->collect_garbage({}).paths == std::vector{dead});
  CHECK(collector->all_hashed_realisations() == std::vector{by_hash('1', kept).key});
  CHECK(collector->find_hashed_realisations(one(by_hash('1', kept).key)).front() ==
        by_hash('1', kept));
  CHECK(query(scratch, "select count(*) from RealisationsRefs").front() == "0");
  CHECK(query(scratch, "pragma foreign_key_check").empty());
  // It tells what the output was, for whoever finds it elsewhere.
  CHECK(collector->find_realisations(one(by_path(derivation, dead).key)).front()->path == dead);
}

TEST_CASE("a migration that nobody here knows is left alone, and does not matter") {
  const Scratch scratch;
  (void)open_in(scratch);
  query(scratch,
        "create table SchemaMigrations (migration text primary key not null);"
        "insert into SchemaMigrations values ('20991231-to-come')");
  const auto store = open_in(scratch);
  const StorePath a = add_text(*store, "a", "a").path;
  store->register_realisations(one(by_path(derivation, a)), unsigned_too);
  CHECK(query(scratch, "select migration from SchemaMigrations order by 1") ==
        std::vector<std::string>{"20251017-ca-derivations", "20991231-to-come"});
}

TEST_CASE("broken rows are corrupt, early tables are refused, read-only stores are not written") {
  const Scratch scratch;
  const StorePath a = add_text(*open_in(scratch), "a", "a").path;
  {
    const auto store = open_in(scratch);
    store->register_realisations(one(by_path(derivation, a)), unsigned_too);
    store->register_hashed_realisations(one(by_hash('0', a)), unsigned_too);
  }
  const auto read_only = open_in(scratch, {.read_only = true});
  CHECK(read_only->find_realisations(one(by_path(derivation, a).key)).front());
  CHECK(code_of([&] {
          read_only->register_realisations(one(by_path(derivation, a)), unsigned_too);
        }) == Code::read_only);
  query(scratch, "update BuildTraceV3 set outputPath = 'nonsense'");
  query(scratch, "update Realisations set signatures = 'nonsense'");
  const auto store = open_in(scratch);
  CHECK(code_of([&] { store->find_realisations(one(by_path(derivation, a).key)); }) ==
        Code::corrupt);
  // A word that is no signature is none.
  CHECK(store->find_hashed_realisations(one(by_hash('0', a).key)).front()->signatures.empty());
  query(scratch, "alter table Realisations rename column id to old");
  CHECK(code_of([&] { store->all_hashed_realisations(); }) == Code::not_supported);
}

}  // namespace cinch
