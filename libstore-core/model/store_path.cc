#include "decode_to.hh"
#include "nix32_runs.hh"
#include "refusal.hh"

#include <cinch/core/encoding.hh>
#include <cinch/core/error.hh>
#include <cinch/core/store_path.hh>

#include <algorithm>
#include <array>

namespace cinch {

namespace {

constexpr std::array<bool, 256> name_characters() {
  std::array<bool, 256> allowed{};
  for (const char c : store_path_name_alphabet) allowed[static_cast<unsigned char>(c)] = true;
  return allowed;
}

constexpr std::array<bool, 256> is_name_character = name_characters();

// Why a text is refused, and where; no message means that it is good.
struct Fault {
  const char* message = nullptr;
  std::size_t offset = 0;
};

Fault fault_of_name(std::string_view name) {
  if (name.empty()) return {"a store path's name must not be empty", 0};
  if (name.size() > store_path_name_length_max) {
    return {"a store path's name must not have more than 211 characters",
            store_path_name_length_max};
  }
  const auto is_bad = [](char c) { return !is_name_character[static_cast<unsigned char>(c)]; };
  const auto bad = std::find_if(name.begin(), name.end(), is_bad);
  if (bad != name.end()) {
    return {"a store path's name may only hold letters, digits and +-._?=",
            static_cast<std::size_t>(bad - name.begin())};
  }
  if (name[0] != '.') return {};
  if (name == "." || name == "..") return {"a store path's name must not be '.' or '..'", 0};
  if (name.starts_with(".-") || name.starts_with("..-")) {
    return {"a store path's name must not start with '.-' or '..-'", 0};
  }
  return {};
}

// Whether 32 nix32 characters begin the text. REQUIRES: it has as many characters.
bool is_hash_part(std::string_view text) {
  const std::byte* bytes = as_bytes(text).data();
  return (nix32_runs::mask_of(bytes) & nix32_runs::mask_of(bytes + nix32_runs::block_bytes)) ==
         nix32_runs::full_mask;
}

// Whether the base name is certain to be good: for nearly all, with few steps.
bool is_plain_base_name(std::string_view base_name) {
  constexpr std::size_t start = store_path_hash_part_length + 1;
  return CINCH_HAS_AVX2() && base_name.size() > start &&
         base_name.size() - start <= store_path_name_length_max && base_name[start - 1] == '-' &&
         base_name[start] != '.' &&
         avx2::is_base_name(as_bytes(base_name).data(), base_name.size());
}

Fault fault_of_base_name(std::string_view base_name) {
  constexpr std::size_t hash_length = store_path_hash_part_length;
  if (base_name.size() <= hash_length) {
    return {"a store path's base name is <32 nix32 characters>-<name>; this is too short",
            base_name.size()};
  }
  if (is_plain_base_name(base_name)) return {};
  if (!is_hash_part(base_name)) {
    return {"a store path's hash part may only hold nix32 characters",
            base_name.find_first_not_of(nix32_alphabet)};
  }
  if (base_name[hash_length] != '-') {
    return {"a store path's hash part must be followed by '-'", hash_length};
  }
  Fault fault = fault_of_name(base_name.substr(hash_length + 1));
  if (fault.message != nullptr) fault.offset += hash_length + 1;
  return fault;
}

[[noreturn]] void refuse(const Fault& fault, std::string_view subject, std::size_t start) {
  throw Error(Code::malformed, fault.message).about(excerpt(subject)).at(start + fault.offset);
}

void refuse_if(const Fault& fault, std::string_view subject, std::size_t start = 0) {
  if (fault.message != nullptr) refuse(fault, subject, start);
}

Fault fault_of_store_dir(std::string_view directory) {
  if (!directory.starts_with('/')) return {"a store directory must be an absolute path", 0};
  if (const std::size_t nul = directory.find('\0'); nul != std::string_view::npos) {
    return {"a store directory must not hold a NUL byte", nul};
  }
  for (std::size_t start = 1; start <= directory.size();) {
    const std::size_t end = std::min(directory.find('/', start), directory.size());
    const std::string_view component = directory.substr(start, end - start);
    if (component.empty()) {
      return {"a store directory must not end in '/' or hold an empty component", start - 1};
    }
    if (component == "." || component == "..") {
      return {"a store directory must not hold '.' or '..'", start};
    }
    start = end + 1;
  }
  return {};
}

}  // namespace

void check_store_path_name(std::string_view name) { refuse_if(fault_of_name(name), name); }

StorePath StorePath::parse(std::string_view base_name) {
  refuse_if(fault_of_base_name(base_name), base_name);
  return StorePath(base_name);
}

StorePath StorePath::from_parts(Bytes digest, std::string_view name) {
  if (digest.size() != store_path_digest_bytes) {
    throw Error(Code::invalid_argument,
                "a store path's digest has 20 bytes, not " + std::to_string(digest.size()));
  }
  check_store_path_name(name);
  std::string base_name = nix32_encode(digest);
  base_name += '-';
  base_name += name;
  return StorePath(std::move(base_name));
}

std::array<std::byte, store_path_digest_bytes> StorePath::digest() const {
  std::array<std::byte, store_path_digest_bytes> bytes;
  nix32_decode_to(hash_part(), bytes);
  return bytes;
}

bool StorePath::is_derivation() const { return base_name_.ends_with(".drv"); }

StoreDir::StoreDir(std::string_view directory) : directory_(directory) {
  refuse_if(fault_of_store_dir(directory), directory);
}

std::string StoreDir::print(const StorePath& path) const {
  std::string text;
  text.reserve(directory_.size() + 1 + path.base_name().size());
  text += directory_;
  text += '/';
  text += path.base_name();
  return text;
}

StorePath StoreDir::parse(std::string_view full_path) const {
  if (!full_path.starts_with(directory_) || full_path.size() == directory_.size() ||
      full_path[directory_.size()] != '/') {
    throw Error(Code::malformed, "the path is not in the store directory '" + directory_ + "'")
        .about(excerpt(full_path))
        .at(0);
  }
  const std::size_t start = directory_.size() + 1;
  const std::string_view base_name = full_path.substr(start);
  refuse_if(fault_of_base_name(base_name), full_path, start);
  return StorePath(base_name);
}

std::optional<PlaceInStore> StoreDir::find_place(std::string_view path) const {
  if (!path.starts_with(directory_)) return std::nullopt;
  path.remove_prefix(directory_.size());
  if (!path.starts_with('/')) return std::nullopt;
  path.remove_prefix(1);
  const std::size_t end = std::min(path.find('/'), path.size());
  const std::string_view base_name = path.substr(0, end);
  if (fault_of_base_name(base_name).message != nullptr) return std::nullopt;
  return PlaceInStore{StorePath(base_name), path.substr(end)};
}

std::optional<StorePath> StoreDir::containing(std::string_view path) const {
  std::optional<PlaceInStore> place = find_place(path);
  if (!place) return std::nullopt;
  return std::move(place->path);
}

void check_hash_part(std::string_view text) {
  if (text.size() != store_path_hash_part_length) {
    refuse({"a hash part has 32 nix32 characters", std::min(text.size(), std::size_t{32})}, text,
           0);
  }
  if (!is_hash_part(text)) {
    refuse({"a hash part may only hold nix32 characters", text.find_first_not_of(nix32_alphabet)},
           text, 0);
  }
}

}  // namespace cinch
