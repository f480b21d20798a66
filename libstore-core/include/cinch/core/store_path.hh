// A StorePath names one object in a store: a 20-byte digest and a name, without the store
// directory. It is a value: copy it freely, compare it, hash it. Order is that of the base names,
// bytewise, which is the order in which Nix writes sets of paths.
//
// A StoreDir is the directory that all paths of a store share; it turns base names into full paths
// and back.
//
// Const functions may be called from several threads at once.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/stream.hh>

#include <array>
#include <compare>
#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace cinch {

constexpr std::size_t store_path_digest_bytes = 20;
constexpr std::size_t store_path_hash_part_length = 32;
constexpr std::size_t store_path_name_length_max = 211;
constexpr std::string_view store_path_name_alphabet =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+-._?=";

// Throws Code::malformed, with the offset of the first bad character, unless the name has 1 to 211
// of these characters, is not "." or "..", and does not start with ".-" or "..-".
CINCH_CORE_API void check_store_path_name(std::string_view name);

class CINCH_CORE_API StorePath {
 public:
  // From `<32 nix32 characters>-<name>`. Throws Code::malformed.
  static StorePath parse(std::string_view base_name);
  // REQUIRES: digest.size() == 20. Throws Code::malformed for a bad name.
  static StorePath from_parts(Bytes digest, std::string_view name);

  const std::string& base_name() const { return base_name_; }
  std::string_view hash_part() const {
    return std::string_view(base_name_).substr(0, store_path_hash_part_length);
  }
  std::string_view name() const {
    return std::string_view(base_name_).substr(store_path_hash_part_length + 1);
  }
  // What the hash part stands for: the inverse of from_parts.
  std::array<std::byte, store_path_digest_bytes> digest() const;
  // Whether the name ends in ".drv".
  bool is_derivation() const;
  // The name of the derivation: without ".drv". REQUIRES: is_derivation().
  std::string_view derivation_name() const { return name().substr(0, name().size() - 4); }

  friend auto operator<=>(const StorePath&, const StorePath&) = default;
  friend bool operator==(const StorePath&, const StorePath&) = default;

 private:
  friend class StoreDir;
  explicit StorePath(std::string&& base_name) : base_name_(std::move(base_name)) {}
  explicit StorePath(std::string_view base_name) : base_name_(base_name) {}
  std::string base_name_;
};

using StorePathSet = std::set<StorePath>;

// A place in a store: a store path, and what follows it: "" or "/bin/x". The view is into the text
// that was looked at.
struct PlaceInStore {
  StorePath path;
  std::string_view rest;
};

class CINCH_CORE_API StoreDir {
 public:
  // "/nix/store", or any other absolute, canonical directory (no trailing slash, no "." or "..").
  // Throws Code::malformed.
  explicit StoreDir(std::string_view directory = "/nix/store");

  const std::string& text() const { return directory_; }

  std::string print(const StorePath& path) const;
  // Exactly `<store dir>/<base name>`. Throws Code::malformed.
  StorePath parse(std::string_view full_path) const;
  // The store path that `path` is or lies below (`<store dir>/<base name>/bin/x`), if any.
  // Goes by the text alone: give it a path without "..".
  std::optional<PlaceInStore> find_place(std::string_view path) const;
  std::optional<StorePath> containing(std::string_view path) const;

  friend bool operator==(const StoreDir&, const StoreDir&) = default;

 private:
  std::string directory_;
};

// The base name's hash part alone, as caches and `query path from hash part` take it.
// Throws Code::malformed unless the text is 32 nix32 characters.
CINCH_CORE_API void check_hash_part(std::string_view text);

// Follows symlinks until `path` lies in the store, as tools do that are given `./result`. `path` is
// absolute. `read_link` gives the target of a symlink, nothing for what is none. Only the last
// component is followed: whoever reads the disk resolves the directories before it. Throws
// Code::invalid_argument for a path that is not absolute or does not lead into the store;
// Code::limit_exceeded after 40 links.
constexpr int store_links_max = 40;
using ReadLink = std::function<std::optional<std::string>(const std::string& path)>;
CINCH_CORE_API std::string follow_links_to_store(const StoreDir& store_dir, std::string_view path,
                                                 const ReadLink& read_link);

}  // namespace cinch

template <>
struct std::hash<cinch::StorePath> {
  std::size_t operator()(const cinch::StorePath& path) const noexcept {
    return std::hash<std::string_view>()(path.hash_part());
  }
};
