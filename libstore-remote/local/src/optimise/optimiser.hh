// Makes the files of many objects links, by several threads.
#pragma once

#include "file_linker.hh"

#include <cinch/core/maintenance.hh>

#include <stop_token>
#include <string>

namespace cinch::local {

// The files of one object, by this thread. REQUIRES: its path is protected from collection.
void link_object(FileLinker& linker, const Directory& objects, const std::string& base_name,
                 const std::stop_token& stop = {});

// Takes the files of objects, each as soon as it is found, with as many threads as there are
// processors: one large object must not keep a single thread busy.
class ParallelLinker {
 public:
  // Both must outlive it.
  ParallelLinker(FileLinker& linker, const Directory& objects, std::stop_token stop);
  ~ParallelLinker();
  ParallelLinker(const ParallelLinker&) = delete;
  ParallelLinker& operator=(const ParallelLinker&) = delete;

  // Returns before the files are linked. REQUIRES: its path is protected from collection.
  void add(const std::string& base_name);
  // Waits until all that was added is done. Throws what went wrong.
  void finish();

 private:
  struct Queue;
  FileLinker& linker_;
  const Directory& objects_;
  const std::stop_token stop_;
  std::unique_ptr<Queue> queue_;
};

}  // namespace cinch::local
