// What a store knows about many paths, as text: what `nix-store --dump-db` writes, `--load-db` and
// `--register-validity` read, and builders get as exportReferencesGraph. Format:
// docs/formats/validity-registration.md.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/path_info.hh>
#include <cinch/core/stream.hh>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cinch {

constexpr std::size_t registration_line_bytes_max = std::size_t{64} << 10;
constexpr std::uint64_t registration_references_max = 1'000'000;

struct ValidityRegistration {
  StorePath path;
  std::optional<Hash> nar_hash = std::nullopt;  // sha256; empty: the text is without hashes
  std::uint64_t nar_size = 0;                   // bytes; only with a hash
  std::optional<StorePath> deriver = std::nullopt;
  StorePathSet references = {};
  friend bool operator==(const ValidityRegistration&, const ValidityRegistration&) = default;
};

CINCH_CORE_API ValidityRegistration registration_of(const PathInfo& info);

// The lines of one path; those of several simply follow each other.
CINCH_CORE_API std::string print_registration(const ValidityRegistration& registration,
                                              const StoreDir& store_dir);

enum class RegistrationHashes : std::uint8_t { absent, given };

// Takes registrations from a stream, one after the other, without reading ahead of what it needs.
class CINCH_CORE_API RegistrationReader {
 public:
  // `source` must outlive it. Whether hashes are given cannot be seen in the text.
  RegistrationReader(Source& source, StoreDir store_dir, RegistrationHashes hashes);

  // Empty at the end: where the stream ends, or at an empty line. Throws Code::malformed with the
  // offset of the line; Code::limit_exceeded.
  std::optional<ValidityRegistration> next();

 private:
  std::optional<std::string_view> find_line();
  std::string_view line(std::string_view what);
  std::uint64_t number(std::string_view what, std::uint64_t max);
  StorePath path(std::string_view text) const;
  [[noreturn]] void fail(std::string message) const;

  Source& source_;
  StoreDir store_dir_;
  RegistrationHashes hashes_;
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;  // of what is not read yet, in the buffer
  std::size_t end_ = 0;
  std::uint64_t line_offset_ = 0;  // of the last line, in the stream
  std::uint64_t next_offset_ = 0;
};

}  // namespace cinch
