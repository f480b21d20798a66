// Closures by the numbers of rows: each path is looked up by its name or read as text once, however
// many others refer to it, and rows are read in the order in which they lie.
#include "database.hh"
#include "path_row.hh"

#include <cinch/core/error.hh>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>

namespace cinch::local {

namespace {

// The rows that are reached from some, by their positions here.
class Rows {
 public:
  // The position of the row with this number.
  std::uint32_t add(std::int64_t id) {
    const auto [entry, is_new] = positions_.emplace(id, static_cast<std::uint32_t>(ids_.size()));
    if (is_new) ids_.push_back(id);
    return entry->second;
  }
  void add_all_reached(SqliteConnection& connection) {
    SqliteStatement query(connection, "select reference from Refs where referrer = ?");
    for (std::size_t at = 0; at < ids_.size(); ++at) {
      const StatementScope scope(query);
      query.begin().bind(ids_[at]);
      starts_.push_back(targets_.size());
      while (query.step()) targets_.push_back(add(query.number(0)));
    }
    starts_.push_back(targets_.size());
  }

  std::size_t size() const { return ids_.size(); }
  std::int64_t id(std::uint32_t at) const { return ids_[at]; }
  std::span<std::uint32_t> references(std::uint32_t at) {
    return std::span(targets_).subspan(starts_[at], starts_[at + 1] - starts_[at]);
  }

 private:
  std::vector<std::int64_t> ids_;
  std::unordered_map<std::int64_t, std::uint32_t> positions_;
  std::vector<std::size_t> starts_;  // of what each refers to; one more than there are rows
  std::vector<std::uint32_t> targets_;
};

}  // namespace

std::map<StorePath, PathInfo> Database::find_closure(const StorePathSet& roots) {
  const std::unique_ptr<SqliteConnection> connection = connect();
  SqliteTransaction transaction(*connection, SqliteTransaction::Kind::read);
  Rows rows;
  SqliteStatement id(*connection, "select id from ValidPaths where path = ?");
  for (const StorePath& root : roots) {
    const std::string full_path = options_.store_dir.print(root);
    const StatementScope scope(id);
    if (!id.begin().bind(full_path).step()) {
      throw Error(Code::not_found, "path '" + full_path + "' is not valid");
    }
    rows.add(id.number(0));
  }
  rows.add_all_reached(*connection);

  std::vector<std::uint32_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, {}, [&](std::uint32_t at) { return rows.id(at); });
  std::vector<std::optional<PathInfo>> infos(rows.size());
  SqliteStatement query(*connection, std::string("select id, ") + path_columns +
                                         ", path from ValidPaths where id = ?");
  for (const std::uint32_t at : order) {
    const StatementScope scope(query);
    if (!query.begin().bind(rows.id(at)).step()) throw_unknown_id(rows.id(at));
    infos[at] = info_of_row(query, parse_path(query.text(8)));
  }
  transaction.commit();

  // Names are compared once; after that, their ranks are.
  const auto path_of = [&](std::uint32_t at) -> const StorePath& { return infos[at]->path; };
  std::ranges::sort(order, {}, path_of);
  std::vector<std::uint32_t> ranks(rows.size());
  for (std::uint32_t rank = 0; rank < order.size(); ++rank) ranks[order[rank]] = rank;
  for (const std::uint32_t at : order) {
    const std::span<std::uint32_t> references = rows.references(at);
    std::ranges::sort(references, {}, [&](std::uint32_t reference) { return ranks[reference]; });
    StorePathSet& set = infos[at]->references;
    for (const std::uint32_t reference : references) set.insert(set.end(), path_of(reference));
  }
  std::map<StorePath, PathInfo> closure;
  for (const std::uint32_t at : order) {
    StorePath path = path_of(at);
    closure.emplace_hint(closure.end(), std::move(path), *std::move(infos[at]));
  }
  return closure;
}

}  // namespace cinch::local
