// A Realisation says that an output of a content-addressed derivation turned out to be a certain
// store object. It can be signed; who trusts the key need not build the derivation.
//
// There are two forms. The current one names the (resolved) derivation by its path; the older one,
// of Nix before 2.35, by its hash modulo. Format: docs/formats/realisation.md.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/hash.hh>
#include <cinch/core/signature.hh>
#include <cinch/core/store_path.hh>

#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace cinch {

constexpr std::uint64_t realisation_json_bytes_max = std::uint64_t{16} << 20;

// An output of a derivation: `<derivation path>^<output>`.
struct CINCH_CORE_API RealisationKey {
  StorePath derivation;
  std::string output;

  // Throws Code::malformed.
  static RealisationKey parse(std::string_view text, const StoreDir& store_dir);
  std::string to_string(const StoreDir& store_dir) const;
  friend auto operator<=>(const RealisationKey&, const RealisationKey&) = default;
  friend bool operator==(const RealisationKey&, const RealisationKey&) = default;
};

struct CINCH_CORE_API Realisation {
  RealisationKey key;
  StorePath path;
  std::set<Signature> signatures;

  // What signatures sign: the JSON without them.
  std::string fingerprint() const;
  friend bool operator==(const Realisation&, const Realisation&) = default;
};

// An output of the derivations with this hash modulo: `sha256:<base16>!<output>`.
struct CINCH_CORE_API HashedRealisationKey {
  Hash derivation_hash;
  std::string output;

  // Throws Code::malformed.
  static HashedRealisationKey parse(std::string_view text);
  std::string to_string() const;
  friend auto operator<=>(const HashedRealisationKey&, const HashedRealisationKey&) = default;
  friend bool operator==(const HashedRealisationKey&, const HashedRealisationKey&) = default;
};

struct CINCH_CORE_API HashedRealisation {
  HashedRealisationKey key;
  StorePath path;
  std::set<Signature> signatures;
  std::map<HashedRealisationKey, StorePath> dependencies;  // what the object needs to be the same

  std::string fingerprint() const;
  friend bool operator==(const HashedRealisation&, const HashedRealisation&) = default;
};

// `{"key": {"drvPath", "outputName"}, "value": {"outPath", "signatures"}}`, in one line. Reading
// throws Code::malformed, with the place as the subject, or Code::limit_exceeded.
CINCH_CORE_API std::string print_realisation_json(const Realisation& realisation);
CINCH_CORE_API Realisation parse_realisation_json(std::string_view json);

// The value alone, as binary caches keep it under the name of the key.
CINCH_CORE_API std::string print_realisation_value_json(const Realisation& realisation);
CINCH_CORE_API Realisation parse_realisation_value_json(std::string_view json,
                                                        const RealisationKey& key);

// Nix before 2.34 writes signatures as text, Nix 2.34 as objects. Both are read.
enum class SignatureJson : std::uint8_t { text, object };

// `{"id", "outPath", "signatures", "dependentRealisations"}`, in one line.
CINCH_CORE_API std::string print_hashed_realisation_json(
    const HashedRealisation& realisation, SignatureJson signatures = SignatureJson::text);
CINCH_CORE_API HashedRealisation parse_hashed_realisation_json(std::string_view json);

}  // namespace cinch
