#include "durability.hh"

#include "file_lock.hh"
#include "object_hash.hh"

#include <cinch/core/error.hh>
#include <cinch/files/parallel.hh>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <map>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace cinch::local {

namespace {

// How often the mark moves, at most: flushing a busy file system takes long.
constexpr std::int64_t move_interval_seconds = 600;
// What was registered so long before the last registration had been written by the kernel when the
// machine stopped: it writes what is older than half a minute, unless told otherwise.
constexpr std::int64_t write_back_seconds_max = 600;
// Looking at again what was added in such a time, while another process waits.
constexpr unsigned recovery_wait_ms_max = 1'800'000;

// A name for the time since the machine started; empty where the kernel has none.
std::string read_boot_id() {
  constexpr std::uint64_t bytes_max = 64;
  std::string text =
      Directory::open("/proc/sys/kernel/random").read_file("boot_id", bytes_max).value_or("");
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

std::int64_t now() { return std::time(nullptr); }

void flush_to_disk(std::span<const Directory* const> directories) {
  for (const Directory* directory : directories) {
    if (::syncfs(directory->get()) != 0) {
      throw system_error(errno, "cannot flush the file system", directory->name());
    }
  }
}

}  // namespace

std::vector<LostPath> Durability::recover() {
  mark_ = read_mark();
  const std::string boot_id = read_boot_id();
  if (!mark_ || mark_->boot_id == boot_id) return {};
  const Directory database = directories_.state.open_directory("db");
  const Descriptor lock = database.open_file("cinch.lock", O_RDWR | O_CREAT, 0600);
  lock_within(lock.get(), LockKind::exclusive, database.name_of("cinch.lock"),
              recovery_wait_ms_max);
  mark_ = read_mark();  // another process may have done it by now
  if (!mark_ || mark_->boot_id == boot_id) return {};
  const std::int64_t last_id = database_.last_id();
  std::vector<LostPath> lost = recover_from(*mark_);
  flush();
  mark_ = Mark{boot_id, last_id, now()};
  write_mark(*mark_);
  return lost;
}

std::vector<LostPath> Durability::recover_from(const Mark& mark) {
  const std::vector<StorePath> unsure =
      database_.registered_after(mark.last_id, write_back_seconds_max);
  std::vector<LostPath> damaged = find_damaged(unsure);
  if (damaged.empty()) return {};
  const StoreGraph graph(database_.read_graph());
  std::map<Node, LostPath> lost;
  std::vector<Node> left;
  for (LostPath& path : damaged) {
    const std::optional<Node> node = graph.find(path.path.base_name());
    if (!node) continue;  // collected meanwhile
    left.push_back(*node);
    lost.emplace(*node, std::move(path));
  }
  const Edges referrers = graph.referrers();
  while (!left.empty()) {
    const Node node = left.back();
    left.pop_back();
    for (const Node referrer : referrers.of(node)) {
      LostPath path{StorePath::parse(graph.base_name(referrer)),
                    "it refers to '" + graph.base_name(node) + "', which is damaged"};
      if (lost.emplace(referrer, std::move(path)).second) left.push_back(referrer);
    }
  }
  std::vector<std::int64_t> ids;
  std::vector<LostPath> result;
  for (auto& [node, path] : lost) {
    ids.push_back(graph.id(node));
    result.push_back(std::move(path));
  }
  (void)database_.invalidate(ids);
  return result;
}

std::vector<LostPath> Durability::find_damaged(const std::vector<StorePath>& paths) {
  const std::vector<std::optional<PathInfo>> infos = database_.find(paths);
  std::vector<std::string> faults(paths.size());
  run_parallel(paths.size(), hash_threads_max, [&](std::size_t at) {
    if (!infos[at]) return;
    try {
      const NarDigest found = hash_tree(directories_.objects, paths[at].base_name(),
                                        {.one_of_several = is_one_of_several(paths.size())});
      if (found.hash != infos[at]->nar_hash) faults[at] = "its contents are damaged";
    } catch (const Error& error) {
      faults[at] = error.message();
    }
  });
  std::vector<LostPath> damaged;
  for (std::size_t at = 0; at < paths.size(); ++at) {
    if (!faults[at].empty()) damaged.push_back({paths[at], std::move(faults[at])});
  }
  return damaged;
}

void Durability::before_registration() {
  const std::lock_guard lock(mutex_);
  if (mark_ || unusable_) return;
  mark_ = read_mark();
  if (mark_) return;
  // What another program registered before is taken to be on disk.
  mark_ = Mark{read_boot_id(), database_.last_id(), now()};
  try {
    write_mark(*mark_);
  } catch (const Error&) {
    // A full disk, or somebody's damage: no reason to register nothing.
    unusable_ = true;
  }
}

void Durability::after_registration() {
  const std::lock_guard lock(mutex_);
  if (unusable_) return;
  const std::int64_t time = now();
  if (time - mark_->moved_time < move_interval_seconds) return;
  mark_->moved_time = time;  // also if it does not succeed: not again soon
  mover_ = std::jthread([this] { move_mark(); });
}

// In a thread of its own. What fails leaves the mark where it was: then there is more to look at
// after the machine has stopped, and that is all.
void Durability::move_mark() try {
  const std::int64_t last_id = database_.last_id();
  flush();
  write_mark({read_boot_id(), last_id, now()});
} catch (const Error&) {
  return;
}

void Durability::flush() const {
  const std::array directories = {&directories_.objects, &directories_.state};
  flush_to_disk(directories);
}

void forget_durability(OwnDatabase& own_database, std::span<const Directory* const> directories) {
  flush_to_disk(directories);
  try {
    if (!own_database.read([](SqliteConnection&) {})) return;
    own_database.write_to_disk(
        [](SqliteConnection& connection) { connection.execute("delete from Durability"); });
  } catch (const Error& error) {
    if (error.code() != Code::corrupt) throw;
    // Then nobody remembers any row.
  }
}

// Empty also if nobody can read it: nothing in that database is needed.
std::optional<Durability::Mark> Durability::read_mark() try {
  std::optional<Mark> mark;
  own_database_.read([&](SqliteConnection& connection) {
    SqliteStatement row(connection, "select bootId, lastId, time from Durability");
    if (row.step()) mark = {std::string(row.text(0)), row.number(1), row.number(2)};
  });
  return mark;
} catch (const Error&) {
  return std::nullopt;
}

// On disk before what is registered after it can be.
void Durability::write_mark(const Mark& mark) {
  own_database_.write_to_disk([&](SqliteConnection& connection) {
    SqliteStatement(connection,
                    "insert or replace into Durability (id, bootId, lastId, time) "
                    "values (0, ?, ?, ?)")
        .bind(mark.boot_id)
        .bind(mark.last_id)
        .bind(mark.moved_time)
        .run();
  });
}

}  // namespace cinch::local
