#include "path_row.hh"

#include "signature_list.hh"

#include <ctime>
#include <utility>

namespace cinch::local {

PathInfo parse_path_row(const SqliteStatement& row, int first, StorePath path,
                        const StoreDir& store_dir) {
  PathInfo info{.path = std::move(path), .nar_hash = Hash::parse(row.text(first + 2))};
  info.registration_time = row.number(first);
  if (!row.text(first + 1).empty()) info.deriver = store_dir.parse(row.text(first + 1));
  info.nar_size = static_cast<std::uint64_t>(row.number(first + 3));
  info.ultimate = row.number(first + 4) == 1;
  info.signatures = split_signatures(row.text(first + 5));
  const std::string_view ca = row.text(first + 6);
  if (!ca.empty()) info.content_address = ContentAddress::parse(ca);
  return info;
}

PathRow::PathRow(const PathInfo& info, const StoreDir& store_dir)
    : path(store_dir.print(info.path)),
      registration_time(info.registration_time != 0 ? info.registration_time
                                                    : std::int64_t{std::time(nullptr)}),
      deriver(info.deriver ? store_dir.print(*info.deriver) : ""),
      hash(info.nar_hash.to_string(HashFormat::base16)),
      nar_size(static_cast<std::int64_t>(info.nar_size)),
      ultimate(info.ultimate),
      sigs(join_signatures(info.signatures)),
      ca(info.content_address ? info.content_address->to_string() : "") {}

SqliteStatement& PathRow::bind(SqliteStatement& statement) const {
  statement.bind(path).bind(registration_time).bind_or_null(deriver);
  return bind_content(statement);
}

SqliteStatement& PathRow::bind_content(SqliteStatement& statement) const {
  statement.bind(hash).bind(nar_size);
  ultimate ? statement.bind(std::int64_t{1}) : statement.bind_null();
  return statement.bind_or_null(sigs).bind_or_null(ca);
}

}  // namespace cinch::local
