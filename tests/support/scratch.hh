// A directory of a test's own, removed with everything in it when the test ends.
#pragma once

#include "errors.hh"

#include <cinch/core/error.hh>
#include <cinch/files/directory.hh>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace cinch::test {

class Scratch {
 public:
  Scratch() {
    const char* base = std::getenv("TMPDIR");
    std::string pattern = std::string(base && *base ? base : "/tmp") + "/cinch-test-XXXXXX";
    if (!::mkdtemp(pattern.data())) throw system_error(errno, "cannot create", pattern);
    path_ = pattern;
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    const std::filesystem::path path(path_);
    try {
      Directory::open(path.parent_path()).remove_tree(path.filename().string());
    } catch (const Error&) {
      // Left for the system's own cleaning of /tmp; the test has its verdict already.
    }
  }

  const std::string& path() const { return path_; }
  std::string path(const std::string& name) const { return path_ + "/" + name; }
  Directory directory() const { return Directory::open(path_); }

 private:
  std::string path_;
};

}  // namespace cinch::test
