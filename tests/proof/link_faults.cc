#include "link_faults.hh"

#include "failer.hh"
#include "scratch.hh"
#include "workload.hh"

#include <cinch/core/error.hh>
#include <cinch/core/nar.hh>
#include <cinch/core/stream.hh>
#include <cinch/local/local_store.hh>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <string>

#include <sys/stat.h>

namespace cinch::proof {

namespace {

// A directory with two plain files, a program and a symlink.
std::string make_nar() {
  constexpr std::uint64_t nar_bytes_max = 1'000'000;
  StringSink sink(nar_bytes_max);
  NarWriter writer(sink);
  writer.directory();
  for (const std::string name : {"first", "second", "third"}) {
    writer.entry(name);
    const std::string content = "the content of the " + name + " file";
    writer.file(content.size(), name == "third");
    writer.contents(as_bytes(content));
    writer.leave();
  }
  writer.entry("zeroth");
  writer.symlink("first");
  writer.leave();
  writer.finish();
  return sink.take();
}

// What the objects need on disk: each inode counts once.
struct Usage {
  std::map<ino_t, std::uint64_t> sizes;

  explicit Usage(const std::string& store) {
    for (const auto& object : std::filesystem::directory_iterator(store)) {
      if (object.path().filename() == ".links") continue;
      for (const auto& entry : std::filesystem::recursive_directory_iterator(object)) {
        struct stat status;
        if (::lstat(entry.path().c_str(), &status) != 0) throw_missing(entry.path());
        if (!S_ISDIR(status.st_mode)) {
          sizes.emplace(status.st_ino, static_cast<std::uint64_t>(status.st_size));
        }
      }
    }
  }
  std::uint64_t bytes() const {
    std::uint64_t sum = 0;
    for (const auto& [inode, size] : sizes) sum += size;
    return sum;
  }
  [[noreturn]] static void throw_missing(const std::string& file) {
    throw system_error(errno, "cannot get status", file);
  }
};

class LinkTrial {
 public:
  LinkTrial() {
    options_.root = scratch_.path("root");
    options_.fsync_metadata = false;
    store_ = LocalStore::open(options_);
    const std::string nar = make_nar();
    for (const char* name : {"one", "two", "three"}) {
      StringSource source(nar);
      (void)store_->add_content({.name = name}, source);
    }
  }

  // Whether there were as many calls. Throws what is wrong.
  bool run(std::uint64_t at, int error) {
    const Usage before(objects());
    failer_.arm(at, error, FailKind::naming_from_there_on);
    const OptimiseReport report = store_->optimise();
    failer_.disarm();
    const bool reached = failer_.name() != nullptr;
    const Usage after(objects());
    require(reached == (report.files_skipped > 0), "files are skipped if a call fails");
    require(report.files_linked == before.sizes.size() - after.sizes.size(),
            "as many files are linked as it says");
    require(report.bytes_saved == before.bytes() - after.bytes(),
            "as many bytes are saved as it says");
    require(report.damaged_links.empty(), "no link is damaged");
    check_whole();
    // Without faults, the rest follows.
    (void)store_->optimise();
    constexpr std::size_t contents = 4;
    require(Usage(objects()).sizes.size() == contents, "a later run links the rest");
    check_whole();
    return reached;
  }

 private:
  std::string objects() const { return scratch_.path("root/nix/store"); }

  void check_whole() {
    for (const std::string& one : find_damage(*store_, nullptr)) throw Error(Code::corrupt, one);
    for (const std::string& one : find_litter(*store_, objects())) {
      throw Error(Code::corrupt, "litter: " + one);
    }
  }
  static void require(bool holds, const char* what) {
    if (!holds) throw Error(Code::corrupt, std::string("it does not hold that ") + what);
  }

  test::Scratch scratch_;
  LocalStoreOptions options_;
  std::unique_ptr<LocalStore> store_;
  Failer failer_;
};

}  // namespace

bool run_link_faults() {
  int trials = 0;
  for (const int error : {EMLINK, EPERM, ENOSPC, EDQUOT, EOPNOTSUPP}) {
    for (std::uint64_t at = 1;; ++at, ++trials) {
      try {
        if (!LinkTrial().run(at, error)) break;
      } catch (const std::exception& problem) {
        std::cout << "not ok: optimise, names refused with '" << std::strerror(error)
                  << "' from the " << at << "th on: " << problem.what() << std::endl;
        return false;
      }
    }
  }
  std::cout << "# optimise, names refused: " << trials << " calls" << std::endl;
  return trials > 0;
}

}  // namespace cinch::proof
