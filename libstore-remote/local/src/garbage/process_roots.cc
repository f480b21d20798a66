#include "process_roots.hh"

#include <cinch/core/error.hh>
#include <cinch/files/directory.hh>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <set>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

namespace cinch::local {

namespace {

// Of one file in /proc; larger ones are looked at as far as this.
constexpr std::size_t file_bytes_max = std::size_t{16} << 20;

class Finder {
 public:
  Finder(const StoreDir& store_dir, const std::string& real_dir)
      : store_dir_(store_dir), prefixes_{store_dir.text() + "/", real_dir + "/"} {}

  std::vector<GarbageRoot> run() {
    const Directory proc = Directory::open("/proc");
    for (const DirectoryEntry& entry : proc.list()) {
      const bool is_process = std::ranges::all_of(
          entry.name, [](char character) { return character >= '0' && character <= '9'; });
      if (is_process) tolerant([&] { visit_process(proc.open_directory(entry.name)); });
    }
    for (const char* name : {"modprobe", "fbsplash", "poweroff_cmd"}) {
      const std::string file = std::string("/proc/sys/kernel/") + name;
      search(file, read_all(::open(file.c_str(), O_RDONLY | O_CLOEXEC)));
    }
    return {roots_.begin(), roots_.end()};
  }

 private:
  template <class Visit>
  static void tolerant(Visit visit) try {
    visit();
  } catch (const Error&) {
    // The process has ended, or belongs to somebody else.
  }

  void visit_process(const Directory& process) {
    // A thread of the kernel, which has nothing else either.
    if (!visit_link(process, "exe") && errno == ENOENT) return;
    visit_link(process, "cwd");
    for (const char* name : {"maps", "environ"}) {
      search(process.name_of(name), read_all(::openat(process.get(), name, O_RDONLY | O_CLOEXEC)));
    }
    tolerant([&] {
      const Directory open_files = process.open_directory("fd");
      for (const DirectoryEntry& entry : open_files.list()) visit_link(open_files, entry.name);
    });
  }

  // False, with errno, if it cannot be read.
  bool visit_link(const Directory& directory, const std::string& name) {
    std::array<char, PATH_MAX> target;
    const ssize_t size = ::readlinkat(directory.get(), name.c_str(), target.data(), target.size());
    if (size < 0) return false;
    search(directory.name_of(name), {target.data(), static_cast<std::size_t>(size)});
    return true;
  }

  static std::string read_all(int opened) {
    const Descriptor file(opened);
    std::string text;
    if (!file) return text;
    std::array<char, 65536> piece;
    ssize_t size;
    while (text.size() < file_bytes_max &&
           (size = ::read(file.get(), piece.data(), piece.size())) > 0) {
      text.append(piece.data(), static_cast<std::size_t>(size));
    }
    return text;
  }

  void search(const std::string& where, std::string_view text) {
    for (const std::string& prefix : prefixes_) {
      for (std::size_t at = text.find(prefix); at != std::string_view::npos;
           at = text.find(prefix, at + 1)) {
        const std::string_view rest = text.substr(at + prefix.size());
        const std::size_t end = rest.find_first_not_of(store_path_name_alphabet);
        if (const auto path =
                store_dir_.containing(store_dir_.text() + "/" + std::string(rest.substr(0, end)))) {
          roots_.insert({where, *path});
        }
      }
    }
  }

  const StoreDir& store_dir_;
  std::array<std::string, 2> prefixes_;
  std::set<GarbageRoot> roots_;
};

}  // namespace

std::vector<GarbageRoot> find_process_roots(const StoreDir& store_dir,
                                            const std::string& real_dir) {
  return Finder(store_dir, real_dir).run();
}

}  // namespace cinch::local
