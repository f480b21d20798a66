// How content comes into a LocalStore. The order of steps is in docs/formats/local-store.md,
// "Adding an object".
#include "ingest.hh"
#include "object_hash.hh"
#include "path_lock.hh"
#include "state.hh"

#include <cinch/core/error.hh>
#include <cinch/core/hash.hh>
#include <cinch/core/nar.hh>
#include <cinch/core/signature.hh>
#include <cinch/files/file_tree.hh>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <limits>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>

namespace cinch {

namespace {

// Content up to this size is hashed in memory before anything is written, so that adding it again
// costs no writing.
constexpr std::size_t small_content_bytes_max = std::size_t{1} << 20;

class IgnoreBytes final : public Sink {
 public:
  void write(Bytes) override {}
};

// Tells how much has passed.
class ReportingSink final : public Sink {
 public:
  ReportingSink(Sink& sink, const std::function<void(std::uint64_t)>& report)
      : sink_(sink), report_(report) {}
  void write(Bytes bytes) override {
    sink_.write(bytes);
    report_(bytes.size());
  }

 private:
  Sink& sink_;
  const std::function<void(std::uint64_t)>& report_;
};

// Writes one NAR into `tree` and checks it against what is known about it.
void restore_checked(const PathInfo& info, Source& nar, NarVisitor& tree,
                     const std::stop_token& stop) {
  Hasher hasher(HashAlgorithm::sha256);
  std::optional<local::ContentAddressCheck> check;
  if (local::needs_content_check(info)) {
    check.emplace(*info.content_address, info.path, info.references.contains(info.path));
  }
  const auto watch = [&](Bytes bytes) {
    hasher.write(bytes);
    if (check) check->write(bytes);
  };
  // Nobody may fill the disk with more than was announced.
  local::WatchedSource source(nar, watch, info.nar_size, stop);
  parse_nar(source, tree);
  if (check) check->finish();
  const std::uint64_t size_bytes = hasher.size_bytes();
  local::check_hash(info, hasher.finish(), size_bytes);
}

PathInfo content_info(const StoreDir& store_dir, const AddContent& options,
                      const local::Ingested& ingested) {
  const ContentAddress address{options.method, ingested.content_hash};
  PathInfo info{.path = make_content_addressed_path(store_dir, options.name, address,
                                                    {.others = options.references}),
                .nar_hash = ingested.nar_hash};
  info.nar_size = ingested.nar_size;
  info.references = options.references;
  info.content_address = address;
  return info;
}

ContentAddressHashing hashing_of(const AddContent& options) {
  return {.method = options.method, .algorithm = options.algorithm};
}

// Whether the content is the bytes of one file; else it is a NAR.
bool is_plain(ContentAddressMethod method) {
  return method == ContentAddressMethod::text || method == ContentAddressMethod::flat;
}

local::Ingested ingest_small(const AddContent& options, std::string_view content,
                             NarVisitor& tree) {
  if (is_plain(options.method)) {
    return local::ingest_file(content, options.algorithm, tree);
  }
  StringSource source(content);
  return local::ingest_nar(source, hashing_of(options), tree, {});
}

// A large plain file, whose size only its end tells: written first, its NAR hashed afterwards.
local::Ingested ingest_spooled(Source& content, HashAlgorithm algorithm, const Directory& directory,
                               const std::string& name, const WriteTreeOptions& write_options,
                               const std::stop_token& stop) {
  const std::string full_name = directory.name_of(name);
  Descriptor file = directory.open_file(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
  Hasher content_hasher(algorithm);
  {
    DescriptorSink to_file(file.get(), full_name);
    const auto watch = [&](Bytes bytes) { content_hasher.write(bytes); };
    local::WatchedSource source(content, watch, std::numeric_limits<std::uint64_t>::max(), stop);
    copy_stream(source, to_file);
  }
  finish_canonical_file(std::move(file), full_name, false, write_options.fsync);
  const local::NarDigest nar = local::hash_tree(directory, name, {.stop = stop});
  return {nar.hash, nar.size_bytes, content_hasher.finish()};
}

// Reads until the end or just beyond the limit.
std::string read_head(Source& content) {
  constexpr std::size_t piece_bytes = std::size_t{16} << 10;
  std::string head;
  std::size_t used = 0;
  for (std::size_t count = piece_bytes; count != 0 && used <= small_content_bytes_max;) {
    head.resize(std::min(std::max(2 * used, piece_bytes), small_content_bytes_max + 1));
    count = content.read(std::as_writable_bytes(std::span(head)).subspan(used));
    used += count;
  }
  head.resize(used);
  return head;
}

}  // namespace

void LocalStore::add_nar(const PathInfo& info, Source& nar, SignaturePolicy policy,
                         std::stop_token stop) try {
  prepare_to_add();
  local::check_claim(info, store_dir(), policy, state_->options);
  state_->roots.add({&info.path, 1});
  IgnoreBytes nowhere;
  if (state_->find_one(info.path)) return copy_nar(nar, nowhere);
  const auto lock = local::lock_paths(state_->objects(), {info.path}, stop, {});
  if (state_->find_one(info.path)) return copy_nar(nar, nowhere);

  const local::StagingDirectory staged(state_->staging);
  TreeWriter tree(staged.directory(), staged.object_name, state_->write_options());
  restore_checked(info, nar, tree, stop);
  tree.finish();
  staged.publish(info.path);
  state_->register_or_remove({&info, 1});
} catch (Error& error) {
  error.set_subject_if_empty(store_dir().print(info.path));
  throw;
}

StorePath LocalStore::add_unnamed_nar(Source& nar, const Describe& describe, SignaturePolicy policy,
                                      std::stop_token stop) {
  prepare_to_add();
  const local::StagingDirectory staged(state_->staging);
  TreeWriter tree(staged.directory(), staged.object_name, state_->write_options());
  Hasher hasher(HashAlgorithm::sha256);
  local::WatchedSource source(
      nar, [&](Bytes bytes) { hasher.write(bytes); }, std::numeric_limits<std::uint64_t>::max(),
      stop);
  parse_nar(source, tree);
  tree.finish();
  const std::uint64_t nar_size = hasher.size_bytes();
  const PathInfo info = describe(hasher.finish(), nar_size);
  try {
    if (info.content_address) {
      throw Error(Code::invalid_argument, "an unnamed object cannot have a content address");
    }
    local::check_claim(info, store_dir(), policy, state_->options);
    return state_->install(staged, info, stop).path;
  } catch (Error& error) {
    error.set_subject_if_empty(store_dir().print(info.path));
    throw;
  }
}

PathInfo LocalStore::add_content(const AddContent& options, Source& content, std::stop_token stop) {
  prepare_to_add();
  check_store_path_name(options.name);
  const std::string head = read_head(content);
  if (head.size() <= small_content_bytes_max) {
    local::IgnoreTree nowhere;
    PathInfo info = content_info(store_dir(), options, ingest_small(options, head, nowhere));
    state_->roots.add({&info.path, 1});
    if (std::optional<PathInfo> existing = state_->find_one(info.path)) return *existing;
    const local::StagingDirectory staged(state_->staging);
    TreeWriter tree(staged.directory(), staged.object_name, state_->write_options());
    (void)ingest_small(options, head, tree);
    tree.finish();
    return state_->install(staged, std::move(info), stop);
  }
  local::ConcatenatedSource source(head, content);
  const local::StagingDirectory staged(state_->staging);
  if (is_plain(options.method)) {
    const local::Ingested ingested =
        ingest_spooled(source, options.algorithm, staged.directory(), staged.object_name,
                       state_->write_options(), stop);
    return state_->install(staged, content_info(store_dir(), options, ingested), stop);
  }
  TreeWriter tree(staged.directory(), staged.object_name, state_->write_options());
  const local::Ingested ingested = local::ingest_nar(source, hashing_of(options), tree, stop);
  tree.finish();
  return state_->install(staged, content_info(store_dir(), options, ingested), stop);
}

PathInfo LocalStore::add_tree(const std::string& name, const std::string& full_name,
                              std::stop_token stop) {
  return add_tree(name, full_name, AddTreeOptions(), std::move(stop));
}

PathInfo LocalStore::add_tree(const std::string& name, const std::string& full_name,
                              const AddTreeOptions& options, std::stop_token stop) {
  prepare_to_add();
  check_store_path_name(name);
  const local::StagingDirectory staged(state_->staging);
  TreeWriter tree(staged.directory(), staged.object_name, state_->write_options());
  Hasher hasher(HashAlgorithm::sha256);
  ReportingSink reporting(hasher, options.progress);
  NarWriter nar(options.progress ? static_cast<Sink&>(reporting) : hasher);
  read_tree(full_name, nar, {.filter = options.filter, .beside = &tree, .stop = stop});
  nar.finish();
  tree.finish();
  const std::uint64_t nar_size = hasher.size_bytes();
  const Hash hash = hasher.finish();
  return state_->install(staged, content_info(store_dir(), {.name = name}, {hash, nar_size, hash}),
                         stop);
}

void LocalStore::add_signatures(const StorePath& path, const std::set<Signature>& signatures) {
  add_signatures_together({{path, signatures}});
}

void LocalStore::add_signatures_together(
    const std::map<StorePath, std::set<Signature>>& signatures) {
  state_->check_writable();
  state_->database.add_signatures(signatures);
}

}  // namespace cinch
