// In which files and symlinks of an object hash parts occur, and between what.
#pragma once

#include <cinch/core/nar.hh>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace cinch::cli {

// A visitor that finds the first place of each hash part in each file. Holds no more of a file than
// it was given at once, and the margins around what it finds.
class HashPlaces final : public NarVisitor {
 public:
  // For each hash part, a line for each file: "bin/x: …text around it…", "bin/y -> target".
  using Found = std::map<std::string, std::vector<std::string>>;
  // How a hash part is shown.
  using Paint = std::function<std::string(const std::string& hash_part)>;

  HashPlaces(std::set<std::string> hash_parts, Paint paint)
      : hash_parts_(std::move(hash_parts)), paint_(std::move(paint)) {}

  void directory() override;
  void entry(std::string_view name) override;
  void file(std::uint64_t size_bytes, bool executable) override;
  void contents(Bytes bytes) override;
  void symlink(std::string_view target) override;
  void leave() override;
  Found take() { return std::move(found_); }

 private:
  std::string place() const;
  void search(bool at_end);

  std::set<std::string> hash_parts_;
  Paint paint_;
  Found found_;
  std::vector<std::string> names_;  // of the entries that are open
  std::set<std::string> missing_;   // in this file
  std::string window_;              // of this file
  bool in_file_ = false;
};

}  // namespace cinch::cli
