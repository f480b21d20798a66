#include "collection_rate.hh"

#include <cinch/core/error.hh>

#include <algorithm>
#include <ctime>

namespace cinch::local {

namespace {

// On a disk without much else to do; docs/guides/garbage-collection.md names it.
constexpr double usual_files_per_second = 20'000;
// For fewer, it is the database that takes the time, not the files; and to remember them would.
constexpr std::uint64_t files_min = 5'000;
constexpr double milliseconds_per_second = 1'000;

}  // namespace

CollectionSpeed find_collection_speed(OwnDatabase& database) {
  CollectionSpeed speed{.files_per_second = usual_files_per_second, .measured = false};
  try {
    database.read([&](SqliteConnection& connection) {
      SqliteStatement row(connection, "select files, milliseconds from Collections");
      if (!row.step() || row.number(0) <= 0 || row.number(1) <= 0) return;
      speed = {.files_per_second = static_cast<double>(row.number(0)) * milliseconds_per_second /
                                   static_cast<double>(row.number(1)),
               .measured = true};
    });
  } catch (const Error&) {
    return {.files_per_second = usual_files_per_second, .measured = false};
  }
  return speed;
}

void remember_collection(OwnDatabase& database, std::uint64_t files,
                         std::chrono::milliseconds duration) try {
  if (files < files_min) return;
  database.write([&](SqliteConnection& connection) {
    SqliteStatement insert(connection,
                           "insert or replace into Collections (id, files, milliseconds, time) "
                           "values (0, ?, ?, ?)");
    insert.begin().bind(static_cast<std::int64_t>(files));
    insert.bind(std::max<std::int64_t>(1, duration.count()));
    insert.bind(static_cast<std::int64_t>(std::time(nullptr))).run();
  });
} catch (const Error&) {
  return;
}

}  // namespace cinch::local
