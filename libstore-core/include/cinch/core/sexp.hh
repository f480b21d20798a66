// S-expressions as libgcrypt writes them: byte strings and lists of them. Guix keeps keys,
// signatures and its access list in them. Two spellings are read, also mixed: the canonical one,
// `(3:abc2:xy)`, and the advanced one, with blanks, tokens, "strings", #hex# and |base64|. Format:
// docs/formats/guix-signature.md.
#pragma once

#include <cinch/core/export.hh>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cinch {

constexpr std::uint64_t sexp_bytes_max = std::uint64_t{1} << 20;
constexpr std::size_t sexp_depth_max = 32;

struct CINCH_CORE_API Sexp {
  bool is_list = false;
  std::string bytes;         // of a byte string
  std::vector<Sexp> items;   // of a list
  std::uint64_t offset = 0;  // where it began in the text that was read; no part of the value

  // Throws Code::malformed with the offset; Code::limit_exceeded for what is too long or nested
  // too deeply; Code::not_supported for display hints (`[hint]value`).
  static Sexp parse(std::string_view text);
  // The canonical spelling: one for each value.
  std::string to_canonical() const;

  // Whether this is a list that begins with the byte string `name`.
  bool is(std::string_view name) const;
  // The item of a list that is a list beginning with `name`; null if there is none or several.
  const Sexp* find(std::string_view name) const;

  friend bool operator==(const Sexp& a, const Sexp& b) {
    return a.is_list == b.is_list && a.bytes == b.bytes && a.items == b.items;
  }
};

}  // namespace cinch
