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

// Of all rows, this share is looked up one by one. If more are wanted, it takes less to read all.
constexpr std::int64_t looked_up_share = 8;

// No row has a larger number.
std::int64_t largest_id(SqliteConnection& connection) {
  SqliteStatement query(connection, "select max(id) from ValidPaths");
  return query.step() ? query.number(0) : 0;
}

// The rows that are reached from some, by their positions here.
class Rows {
 public:
  explicit Rows(SqliteConnection& connection)
      : connection_(connection),
        looked_up_max_(static_cast<std::size_t>(largest_id(connection) / looked_up_share)) {}

  // The position of the row with this number.
  std::uint32_t add(std::int64_t id) {
    const auto [entry, is_new] = positions_.emplace(id, static_cast<std::uint32_t>(ids_.size()));
    if (is_new) ids_.push_back(id);
    return entry->second;
  }
  void add_all_reached() {
    SqliteStatement query(connection_, "select reference from Refs where referrer = ?");
    for (std::size_t at = 0; at < ids_.size(); ++at) {
      if (at == looked_up_max_) read_all_references();
      starts_.push_back(targets_.size());
      if (at >= looked_up_max_) {
        add_references_of(ids_[at]);
        continue;
      }
      const StatementScope scope(query);
      query.begin().bind(ids_[at]);
      while (query.step()) targets_.push_back(add(query.number(0)));
    }
    starts_.push_back(targets_.size());
  }

  std::size_t size() const { return ids_.size(); }
  bool are_many() const { return size() > looked_up_max_; }
  std::int64_t id(std::uint32_t at) const { return ids_[at]; }
  std::span<std::uint32_t> references(std::uint32_t at) {
    return std::span(targets_).subspan(starts_[at], starts_[at + 1] - starts_[at]);
  }

 private:
  struct Reference {
    std::int64_t referrer;
    std::int64_t reference;
  };
  void read_all_references() {
    SqliteStatement query(connection_, "select referrer, reference from Refs order by referrer");
    while (query.step()) all_references_.push_back({query.number(0), query.number(1)});
  }
  void add_references_of(std::int64_t id) {
    auto next = std::ranges::lower_bound(all_references_, id, {}, &Reference::referrer);
    for (; next != all_references_.end() && next->referrer == id; ++next) {
      targets_.push_back(add(next->reference));
    }
  }

  SqliteConnection& connection_;
  std::size_t looked_up_max_;
  std::vector<Reference> all_references_;  // by referrer; if they have been read
  std::vector<std::int64_t> ids_;
  std::unordered_map<std::int64_t, std::uint32_t> positions_;
  std::vector<std::size_t> starts_;  // of what each refers to; one more than there are rows
  std::vector<std::uint32_t> targets_;
};

// Rows of valid paths, asked for in the order of their numbers: looked up, or read in turn.
class PathRows {
 public:
  PathRows(SqliteConnection& connection, bool in_turn)
      : in_turn_(in_turn),
        statement_(connection, std::string("select id, ") + path_columns +
                                   ", path from ValidPaths where id " +
                                   (in_turn ? ">= ? order by id" : "= ?")) {}

  // Valid until the next call.
  const SqliteStatement& seek(std::int64_t id) {
    if (!in_turn_ || !begun_) statement_.begin().bind(id);
    begun_ = true;
    while (statement_.step()) {
      if (statement_.number(0) == id) return statement_;
      if (statement_.number(0) > id) break;
    }
    throw_unknown_id(id);
  }

 private:
  bool in_turn_;
  bool begun_ = false;
  SqliteStatement statement_;
};

}  // namespace

std::map<StorePath, PathInfo> Database::find_closure(const StorePathSet& roots) {
  const std::unique_ptr<SqliteConnection> connection = connect();
  SqliteTransaction transaction(*connection, SqliteTransaction::Kind::read);
  Rows rows(*connection);
  SqliteStatement id(*connection, "select id from ValidPaths where path = ?");
  for (const StorePath& root : roots) {
    const std::string full_path = options_.store_dir.print(root);
    const StatementScope scope(id);
    if (!id.begin().bind(full_path).step()) {
      throw Error(Code::not_found, "path '" + full_path + "' is not valid");
    }
    rows.add(id.number(0));
  }
  rows.add_all_reached();

  std::vector<std::uint32_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, {}, [&](std::uint32_t at) { return rows.id(at); });
  std::vector<std::optional<PathInfo>> infos(rows.size());
  PathRows path_rows(*connection, rows.are_many());
  for (const std::uint32_t at : order) {
    const SqliteStatement& row = path_rows.seek(rows.id(at));
    infos[at] = info_of_row(row, parse_path(row.text(8)));
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
