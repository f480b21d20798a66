// Paths that the garbage collector must leave alone while this store is open: a file of our own
// under `<state>/temproots`, which the collector reads. docs/formats/local-store.md, "Temporary
// roots".
//
// Safe for several threads at once.
#pragma once

#include <cinch/core/garbage.hh>
#include <cinch/core/store_path.hh>
#include <cinch/files/directory.hh>

#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include <sys/types.h>

namespace cinch::local {

class TemporaryRoots {
 public:
  // `state` must outlive it.
  TemporaryRoots(const Directory& state, StoreDir store_dir);
  TemporaryRoots(const TemporaryRoots&) = delete;
  TemporaryRoots& operator=(const TemporaryRoots&) = delete;
  ~TemporaryRoots();

  void add(std::span<const StorePath> paths);
  // Also for a path that has been added. To be called when something lasting keeps it, before this
  // store is closed: collectors of Nix read links first and temporary roots then, and one that has
  // read the links before there was this one would find neither.
  void confirm(const StorePath& path);

 private:
  void open_file();
  void reach_collector(std::span<const StorePath> paths);
  bool tell_collector(std::span<const StorePath> paths);
  bool tell_collector(const Descriptor& collector, const StorePath& path);

  const Directory& state_;
  StoreDir store_dir_;
  std::mutex mutex_;
  std::optional<Directory> directory_;
  std::string file_name_;
  Descriptor file_;
  Descriptor collector_lock_;
  Descriptor collector_;  // a connection with the one that runs, or ran
  StorePathSet added_;
};

// The temporary roots of all stores that are open, in this process and in others. Files that dead
// processes left are removed. REQUIRES: this process holds `gc.lock` exclusively.
std::vector<GarbageRoot> read_temporary_roots(const Directory& state, const StoreDir& store_dir);

// Whether a process has written all of these as temporary roots of the stores that it has open.
enum class RootsWritten : std::uint8_t {
  yes,
  not_yet,
  unknown,  // it has no store open, or another number where its stores are
};
RootsWritten find_temporary_roots(const Directory& state, const StoreDir& store_dir, pid_t process,
                                  StorePathSet paths);

}  // namespace cinch::local
