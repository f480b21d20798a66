// A NarInfo is what a binary cache says about one store object: its path info, and where its NAR
// can be downloaded. The text is `Name: value` lines; Nix and Guix write the same fields in their
// own order, and Guix signs the text itself. Format: docs/formats/narinfo.md.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/path_info.hh>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cinch {

constexpr std::uint64_t narinfo_bytes_max = std::uint64_t{16} << 20;

// One compressed form of the NAR.
struct NarDownload {
  std::string url;          // absolute, or relative to the cache; not empty
  std::string compression;  // "none", "xz", ...; not empty
  std::optional<Hash> file_hash;
  std::optional<std::uint64_t> file_size;  // bytes of the compressed file
  friend bool operator==(const NarDownload&, const NarDownload&) = default;
};

// A line `name: value` that has no other place.
struct NamedField {
  std::string name;
  std::string value;
  friend bool operator==(const NamedField&, const NamedField&) = default;
};

// Guix's line `Signature: 1;<host>;<base64>`.
struct NarInfoSignature {
  std::string host;
  std::string expression;   // the s-expression, as it came out of the base64
  std::string signed_text;  // every byte of the narinfo above the line: what is signed
  friend bool operator==(const NarInfoSignature&, const NarInfoSignature&) = default;
};

struct NarInfo {
  PathInfo info;                         // registration_time and ultimate: not in a narinfo
  std::vector<NarDownload> downloads;    // at least one; Nix's narinfos have one
  std::vector<NamedField> other_fields;  // unknown ones, in their order
  std::optional<NarInfoSignature> guix_signature;
  friend bool operator==(const NarInfo&, const NarInfo&) = default;
};

enum class NarInfoDialect : std::uint8_t { nix, guix };

// Throws Code::malformed with line and offset for anything else than a narinfo;
// Code::limit_exceeded for a longer text; Code::not_supported for what a newer Nix or Guix writes.
CINCH_CORE_API NarInfo parse_narinfo(std::string_view text, const StoreDir& store_dir);

// As Nix or `guix publish` writes it. Throws Code::invalid_argument for what has no text: no
// download, or several in Nix's dialect; fields with newlines; a Guix signature over another text
// than the one that stands above it.
CINCH_CORE_API std::string print_narinfo(const NarInfo& narinfo, const StoreDir& store_dir,
                                         NarInfoDialect dialect = NarInfoDialect::nix);

}  // namespace cinch
