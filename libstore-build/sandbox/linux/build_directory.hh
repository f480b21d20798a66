// The directories of one build on disk:
//
//   <build directory>/<random>/   0700, ours: the wall around everything below
//     work/                       the builder's working directory
//     store/                      takes the outputs
//     tmp/                        its /tmp
#pragma once

#include "sandbox_plan.hh"

#include <cinch/files/directory.hh>

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cinch::sandbox {

class BuildDirectory {
 public:
  // Makes the directories. `parent` must outlive it.
  explicit BuildDirectory(const Directory& parent);
  BuildDirectory(const BuildDirectory&) = delete;
  BuildDirectory& operator=(const BuildDirectory&) = delete;
  // Removes everything, or what keep() leaves.
  ~BuildDirectory();

  Layout layout() const;
  const Directory& store() const { return *store_; }
  // Makes the files that the builder finds in its working directory.
  void write_files(std::span<const BuildFile> files) const;
  // Keeps the working directory, and returns where it is.
  std::string keep();

 private:
  // Makes the outer directory alone.
  BuildDirectory(const Directory& parent, std::string name);
  void remove_parts() const;

  const Directory& parent_;
  std::string name_;
  Directory outer_;
  std::optional<Directory> work_;  // both are there once the constructor is done
  std::optional<Directory> store_;
  bool kept_ = false;
};

}  // namespace cinch::sandbox
