#include "own_database.hh"

#include "catch.hh"
#include "errors.hh"
#include "scratch.hh"
#include "verifications.hh"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <sys/stat.h>

using namespace cinch;
using namespace cinch::local;
using namespace cinch::test;

namespace {

OwnDatabaseOptions options_in(const Scratch& scratch, bool read_only = false) {
  return {.file_name = scratch.path("cinch.sqlite"),
          .read_only = read_only,
          .synchronous = false,
          .busy_ms_max = 10'000};
}

StorePath numbered(int number) {
  return StorePath::parse("00000000000000000000000000000000-" + std::to_string(number));
}

Verification intact(int number, std::int64_t time) {
  return {.path = numbered(number),
          .nar_hash = hash_bytes(HashAlgorithm::sha256, as_bytes(std::to_string(number))),
          .time = time,
          .result = VerificationResult::intact};
}

void write_sql(const Scratch& scratch, const std::string& sql) {
  SqliteConnection({.file_name = scratch.path("cinch.sqlite")}).execute(sql);
}

std::string read_sql(const Scratch& scratch, const std::string& sql) {
  return SqliteConnection({.file_name = scratch.path("cinch.sqlite")}).query_text(sql);
}

}  // namespace

TEST_CASE("an own database that is not there is empty, and asking does not make it") {
  const Scratch scratch;
  OwnDatabase database(options_in(scratch));
  CHECK_FALSE(database.read([](SqliteConnection&) { FAIL("there is nothing to read"); }));
  CHECK(Verifications(database).all().empty());
  Verifications(database).keep_only({});
  CHECK(scratch.directory().list().empty());
  OwnDatabase reader(options_in(scratch, true));
  CHECK(Verifications(reader).all().empty());
  CHECK(code_of([&] { Verifications(reader).record(std::vector{intact(1, 1)}); }) ==
        Code::read_only);
  CHECK(scratch.directory().list().empty());
}

TEST_CASE("verifications are kept, replaced and forgotten") {
  const Scratch scratch;
  {
    OwnDatabase database(options_in(scratch));
    Verifications verifications(database);
    verifications.record(std::vector{intact(1, 100), intact(2, 100), intact(3, 100)});
    Verification changed = intact(2, 200);
    changed.result = VerificationResult::changed;
    verifications.record(std::vector{changed});
    verifications.keep_only({numbered(1), numbered(2)});
  }
  CHECK(read_sql(scratch, "pragma user_version") == std::to_string(own_database_version));
  OwnDatabase reader(options_in(scratch, true));
  const auto known = Verifications(reader).all();
  REQUIRE(known.size() == 2);
  CHECK(known.at(numbered(1)).time == 100);
  CHECK(known.at(numbered(1)).nar_hash == intact(1, 0).nar_hash);
  CHECK(known.at(numbered(1)).result == VerificationResult::intact);
  CHECK(known.at(numbered(2)).time == 200);
  CHECK(known.at(numbered(2)).result == VerificationResult::changed);
}

TEST_CASE("a write to the own database is all or nothing") {
  const Scratch scratch;
  OwnDatabase database(options_in(scratch));
  Verifications(database).record(std::vector{intact(1, 1)});
  CHECK(code_of([&] {
          database.write([](SqliteConnection& connection) {
            connection.execute("delete from Verifications");
            throw Error(Code::cancelled, "stop");
          });
        }) == Code::cancelled);
  CHECK(Verifications(database).all().size() == 1);
}

TEST_CASE("an own database of a newer version is refused, and one that is damaged") {
  const Scratch scratch;
  write_sql(scratch, "pragma user_version = 1000");
  for (const bool read_only : {true, false}) {
    OwnDatabase newer(options_in(scratch, read_only));
    const auto error = error_of([&] { Verifications(newer).all(); });
    REQUIRE(error);
    CHECK(error->code() == Code::not_supported);
    CHECK(error->subject() == scratch.path("cinch.sqlite"));
    CHECK(error->message().find("version 1000") != std::string::npos);
    CHECK_FALSE(error->hint().empty());
  }
  CHECK(read_sql(scratch, "pragma user_version") == "1000");
  scratch.directory().write_file("cinch.sqlite", std::string(8192, 'x'), 0644);
  OwnDatabase damaged(options_in(scratch));
  const auto error = error_of([&] { Verifications(damaged).record(std::vector{intact(1, 1)}); });
  REQUIRE(error);
  CHECK(error->code() == Code::corrupt);
  CHECK(error->subject() == scratch.path("cinch.sqlite"));
  CHECK(error->hint().find("remove this file") != std::string::npos);
}

TEST_CASE("a file without tables, and rows that nobody can read, count for nothing") {
  const Scratch scratch;
  write_sql(scratch, "pragma user_version = 0");
  OwnDatabase database(options_in(scratch));
  CHECK(Verifications(database).all().empty());
  Verifications(database).record(std::vector{intact(1, 1)});
  write_sql(scratch, "insert into Verifications values ('no path', 'no hash', 1, 1)");
  CHECK(Verifications(database).all().size() == 1);
}

TEST_CASE("many make one own database at once") {
  const Scratch scratch;
  std::atomic<int> failures = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        try {
          OwnDatabase database(options_in(scratch));
          Verifications(database).record(std::vector{intact(i, i)});
        } catch (const Error&) {
          ++failures;
        }
      });
    }
  }
  CHECK(failures == 0);
  OwnDatabase database(options_in(scratch));
  CHECK(Verifications(database).all().size() == 4);
}
