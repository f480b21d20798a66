#include <cinch/core/cancellation.hh>
#include <cinch/core/closure.hh>
#include <cinch/core/error.hh>
#include <cinch/core/export_archive.hh>
#include <cinch/core/hash.hh>
#include <cinch/core/nar.hh>

#include <map>
#include <utility>

namespace cinch {

Spool::~Spool() = default;

namespace {

void write_checked_nar(Store& store, const PathInfo& info, Sink& sink,
                       const std::stop_token& stop) {
  Hasher hasher(HashAlgorithm::sha256);
  TeeSink both(sink, hasher);
  store.read_nar(info.path, both, stop);
  const Hash found = hasher.finish();
  if (found == info.nar_hash) return;
  throw Error(Code::corrupt, "the object has the NAR hash " + found.to_string(HashFormat::nix32) +
                                 ", but " + info.nar_hash.to_string(HashFormat::nix32) +
                                 " was registered")
      .about(store.store_dir().print(info.path))
      .hint("it was modified: delete it and add it again");
}

// The info of an object that came in an archive, which says neither hash nor size.
PathInfo info_of(ExportedObject object, const Hash& nar_hash, std::uint64_t nar_size) {
  PathInfo info{.path = std::move(object.path), .nar_hash = nar_hash, .nar_size = nar_size};
  info.references = std::move(object.references);
  info.deriver = std::move(object.deriver);
  return info;
}

StorePath import_through_spool(Store& store, ExportReader& reader, const ImportOptions& options,
                               const std::stop_token& stop) {
  if (!options.make_spool) {
    throw Error(Code::not_supported, "this store needs a spool to import objects")
        .about(store.url());
  }
  const std::unique_ptr<Spool> spool = options.make_spool();
  Hasher hasher(HashAlgorithm::sha256);
  TeeSink both(*spool, hasher);
  copy_nar(reader.nar(), both);
  const std::uint64_t nar_size = hasher.size_bytes();
  const PathInfo info = info_of(reader.read_object(), hasher.finish(), nar_size);
  store.add_temporary_roots({&info.path, 1});
  store.add_nar(info, spool->read_back(), options.policy, stop);
  return info.path;
}

}  // namespace

void export_paths(Store& store, const StorePathSet& paths, Sink& sink, std::stop_token stop) {
  const std::map<StorePath, PathInfo> infos = require_all(store, paths);
  ExportWriter writer(sink, store.store_dir());
  for (const StorePath& path : sort_topologically(infos)) {
    check_cancelled(stop);
    const PathInfo& info = infos.at(path);
    writer.begin_object();
    write_checked_nar(store, info, sink, stop);
    writer.end_object({.path = path, .references = info.references, .deriver = info.deriver});
  }
  writer.finish();
}

std::vector<StorePath> import_paths(Store& store, Source& source, const ImportOptions& options,
                                    std::stop_token stop) {
  std::vector<StorePath> paths;
  ExportReader reader(source, store.store_dir());
  auto* import_store = capability<ImportStore>(store);
  while (reader.next()) {
    check_cancelled(stop);
    if (!import_store) {
      paths.push_back(import_through_spool(store, reader, options, stop));
      continue;
    }
    const auto describe = [&](const Hash& nar_hash, std::uint64_t nar_size) {
      return info_of(reader.read_object(), nar_hash, nar_size);
    };
    paths.push_back(import_store->add_unnamed_nar(reader.nar(), describe, options.policy, stop));
  }
  return paths;
}

}  // namespace cinch
