// Files of one content, made links to one file: `.links/<nix32 sha256 of the NAR of the file>` is a
// name of each of them. docs/formats/local-store.md, "Links".
#pragma once

#include <cinch/core/maintenance.hh>
#include <cinch/core/stream.hh>
#include <cinch/files/directory.hh>

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <sys/stat.h>

namespace cinch::local {

constexpr const char* links_name = ".links";
// Of names in the store directory, which live as long as it takes to replace one file:
// ".tmp-link-<pid>-<number>".
constexpr std::string_view temporary_link_prefix = ".tmp-link-";

// False if there is none: somebody else has removed it.
bool remove_link(const Directory& links, const std::string& name);

// The name that a file or symlink has in `.links`. `buffer` is for the time of the call.
std::string name_in_links(const Directory& parent, const std::string& name,
                          const struct stat& status, std::span<std::byte> buffer,
                          const std::stop_token& stop);
// The same of what has this name now; empty if it is no file or symlink, or gone.
std::optional<std::string> name_in_links(const Directory& parent, const std::string& name,
                                         std::span<std::byte> buffer, const std::stop_token& stop);

// A directory of an object in which files are replaced. It gets its mode and time back when the
// last of those who work in it is done.
class ChangedDirectory {
 public:
  // The store directory itself is left as it is.
  ChangedDirectory(std::shared_ptr<const Directory> directory, bool is_store_directory)
      : directory_(std::move(directory)), is_store_directory_(is_store_directory) {}
  ChangedDirectory(const ChangedDirectory&) = delete;
  ChangedDirectory& operator=(const ChangedDirectory&) = delete;
  ~ChangedDirectory();

  const Directory& operator*() const { return *directory_; }
  const Directory* operator->() const { return directory_.get(); }
  // Moves `from_name` over `name`. An errno value, or 0.
  int replace(const Directory& from, const std::string& from_name, const std::string& name);

 private:
  std::shared_ptr<const Directory> directory_;
  const bool is_store_directory_;
  std::mutex mutex_;
  bool changed_ = false;
};

// Safe for several threads at once.
class FileLinker {
 public:
  // `objects` must outlive it. Makes `.links` if it is not there.
  explicit FileLinker(const Directory& objects);

  // Finds out which files have a link already, so that these need not be hashed.
  void read_links();
  // Links one file or symlink of an object whose path is protected from collection.
  void link(ChangedDirectory& parent, const std::string& name, const struct stat& status,
            std::span<std::byte> buffer, const std::stop_token& stop);
  OptimiseReport take_report();

 private:
  enum class Found : std::uint8_t { nothing, same_file, same_content, unusable, damaged };

  bool is_known(ino_t inode);
  void remember(ino_t inode);
  bool try_link(ChangedDirectory& parent, const std::string& name, const struct stat& status,
                const std::string& link_name, const std::stop_token& stop);
  Found look_up(const std::string& link_name, const Directory& parent, const std::string& name,
                const struct stat& status, const std::stop_token& stop);
  void remove_damaged(const std::string& link_name);
  bool add_link(const Directory& parent, const std::string& name, const struct stat& status,
                const std::string& link_name);
  bool replace_by_link(ChangedDirectory& parent, const std::string& name, const struct stat& status,
                       const std::string& link_name);
  void count_skipped();

  const Directory& objects_;
  const Directory links_;
  std::mutex mutex_;
  std::unordered_set<ino_t> known_;    // that are in `.links`
  std::unordered_set<ino_t> checked_;  // of these, with the content that their name says
  OptimiseReport report_;
};

}  // namespace cinch::local
