#include "hash_places.hh"

#include <cinch/core/store_path.hh>

#include <algorithm>

namespace cinch::cli {

namespace {

// Of text before and after what was found.
constexpr std::size_t margin = 32;

std::string with_dots(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c < ' ' || c > '~') c = '.';
  }
  return result;
}

}  // namespace

void HashPlaces::directory() { names_.emplace_back(); }

void HashPlaces::entry(std::string_view name) { names_.back() = name; }

void HashPlaces::file(std::uint64_t, bool) {
  in_file_ = true;
  missing_ = hash_parts_;
  window_.clear();
}

void HashPlaces::contents(Bytes bytes) {
  if (missing_.empty()) return;
  window_ += as_text(bytes);
  search(false);
}

void HashPlaces::symlink(std::string_view target) {
  for (const std::string& hash_part : hash_parts_) {
    const std::size_t at = target.find(hash_part);
    if (at == target.npos) continue;
    found_[hash_part].push_back(place() + " -> " + std::string(target.substr(0, at)) +
                                paint_(hash_part) +
                                std::string(target.substr(at + hash_part.size())));
  }
}

void HashPlaces::leave() {
  if (in_file_) {
    search(true);
    in_file_ = false;
  } else {
    names_.pop_back();
  }
}

// The entry's path in the object; "/" for the object itself.
std::string HashPlaces::place() const {
  std::string path;
  for (const std::string& name : names_) path += (path.empty() ? "" : "/") + name;
  return path.empty() ? "/" : path;
}

void HashPlaces::search(bool at_end) {
  // What may still get text after it, or begin a hash part, stays, with the text before it.
  std::size_t keep_from =
      window_.size() - std::min(window_.size(), margin + store_path_hash_part_length - 1);
  for (auto hash_part = missing_.begin(); hash_part != missing_.end();) {
    const std::size_t at = window_.find(*hash_part);
    if (at == window_.npos) {
      ++hash_part;
      continue;
    }
    const std::size_t begin = at - std::min(at, margin);
    const std::size_t end = at + hash_part->size();
    if (!at_end && end + margin > window_.size()) {
      keep_from = std::min(keep_from, begin);
      ++hash_part;
      continue;
    }
    found_[*hash_part].push_back(
        place() + ": …" + with_dots(std::string_view(window_).substr(begin, at - begin)) +
        paint_(*hash_part) + with_dots(std::string_view(window_).substr(end, margin)) + "…");
    hash_part = missing_.erase(hash_part);
  }
  window_.erase(0, keep_from);
}

}  // namespace cinch::cli
