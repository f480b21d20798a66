#include "verifications.hh"

#include <cinch/core/error.hh>

#include <string>
#include <vector>

namespace cinch::local {

std::map<StorePath, Verification> Verifications::all() {
  std::map<StorePath, Verification> known;
  database_.read([&](SqliteConnection& connection) {
    SqliteStatement rows(connection,
                         "select path, narHash, time, result from Verifications order by path");
    while (rows.step()) {
      try {
        Verification row{.path = StorePath::parse(rows.text(0)),
                         .nar_hash = Hash::parse(rows.text(1)),
                         .time = rows.number(2),
                         .result = static_cast<VerificationResult>(rows.number(3))};
        known.emplace_hint(known.end(), row.path, row);
      } catch (const Error& error) {
        // What nobody can read was not verified.
        if (error.code() != Code::malformed) throw;
      }
    }
  });
  return known;
}

void Verifications::record(std::span<const Verification> verifications) {
  database_.write([&](SqliteConnection& connection) {
    SqliteStatement insert(connection,
                           "insert or replace into Verifications (path, narHash, time, result) "
                           "values (?, ?, ?, ?)");
    for (const Verification& row : verifications) {
      const std::string path = row.path.base_name();
      const std::string hash = row.nar_hash.to_string(HashFormat::base16);
      insert.begin().bind(path).bind(hash).bind(row.time);
      insert.bind(static_cast<std::int64_t>(row.result)).run();
    }
  });
}

void Verifications::keep_only(const StorePathSet& paths) {
  std::vector<std::string> others;
  for (const auto& [path, verification] : all()) {
    if (!paths.contains(path)) others.push_back(path.base_name());
  }
  if (others.empty()) return;
  database_.write([&](SqliteConnection& connection) {
    SqliteStatement remove(connection, "delete from Verifications where path = ?");
    for (const std::string& path : others) remove.begin().bind(path).run();
  });
}

}  // namespace cinch::local
