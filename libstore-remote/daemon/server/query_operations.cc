#include "server/handlers.hh"
#include "wire/buffered_sink.hh"
#include "wire/values.hh"

#include <cinch/core/realised_outputs.hh>

namespace cinch::handlers {

void is_valid_path(Session& session) {
  const StorePath path = wire::read_path(session.in, session.dialect);
  session.out.flag(session.work([&] { return session.store.is_valid(path); }));
}

void query_referrers(Session& session) {
  const StorePath path = wire::read_path(session.in, session.dialect);
  const auto referrers = session.work([&] { return session.store.find_referrers({&path, 1}); });
  wire::write_paths(session.out, session.dialect, referrers.front());
}

void query_valid_derivers(Session& session) {
  const StorePath path = wire::read_path(session.in, session.dialect);
  const auto derivers = session.work([&] { return session.store.find_derivers({&path, 1}); });
  wire::write_paths(session.out, session.dialect, derivers.front());
}

void query_deriver(Session& session) {
  const StorePath path = wire::read_path(session.in, session.dialect);
  const PathInfo info = session.work([&] { return session.store.require(path); });
  wire::write_optional_path(session.out, session.dialect, info.deriver);
}

void query_all_valid_paths(Session& session) {
  const StorePathSet paths = session.work([&] { return session.store.all_valid_paths(); });
  wire::write_paths(session.out, session.dialect, paths);
}

void query_path_info(Session& session) {
  const StorePath path = wire::read_path(session.in, session.dialect);
  const auto infos = session.work([&] { return session.store.find({&path, 1}); });
  const std::optional<PathInfo>& info = infos.front();
  session.out.flag(info.has_value());
  if (info) wire::write_path_info(session.out, session.dialect, *info);
}

void query_path_from_hash_part(Session& session) {
  const std::string hash_part = session.in.text(wire::name_bytes_max);
  const auto path = session.work([&] { return session.store.find_by_hash_part(hash_part); });
  wire::write_optional_path(session.out, session.dialect, path);
}

void query_valid_paths(Session& session) {
  const StorePathSet paths = wire::read_paths(session.in, session.dialect);
  // The client wishes that what is missing be substituted first. It may not be; the client then
  // sees that it is missing.
  if (session.dialect.minor >= wire::since_substitute_flag) session.in.flag();
  const StorePathSet valid = session.work([&] { return session.store.find_valid(paths); });
  wire::write_paths(session.out, session.dialect, valid);
}

void nar_from_path(Session& session) {
  const StorePath path = wire::read_path(session.in, session.dialect);
  // Once the reply has begun, an error can only end the connection. So what can be known before is
  // asked before.
  session.work([&] { session.store.require(path); });
  session.flush();
  wire::BufferedSink sink(session.socket);
  session.store.read_nar(path, sink, session.stop);
  sink.flush();
}

namespace {

std::map<std::string, std::optional<StorePath>> read_output_paths(Session& session) {
  const StorePath path = wire::read_path(session.in, session.dialect);
  return session.work(
      [&] { return find_output_paths(session.store, path, session.store.read_derivation(path)); });
}

}  // namespace

void query_derivation_outputs(Session& session) {
  StorePathSet paths;
  for (const auto& [name, path] : read_output_paths(session)) {
    if (path) paths.insert(*path);
  }
  wire::write_paths(session.out, session.dialect, paths);
}

void query_derivation_output_names(Session& session) {
  const auto outputs = read_output_paths(session);
  session.out.number(outputs.size());
  for (const auto& [name, path] : outputs) session.out.text(name);
}

void query_derivation_output_map(Session& session) {
  const auto outputs = read_output_paths(session);
  session.out.number(outputs.size());
  for (const auto& [name, path] : outputs) {
    session.out.text(name);
    wire::write_optional_path(session.out, session.dialect, path);
  }
}

}  // namespace cinch::handlers
