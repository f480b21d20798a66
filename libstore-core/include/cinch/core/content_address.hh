// A ContentAddress says that a store path follows from the content itself: how the content was
// serialised (the method) and the hash of that. Text forms, as stored and sent:
//   text:sha256:<nix32>   fixed:<algo>:<nix32>   fixed:r:<algo>:<nix32>   fixed:git:<algo>:<nix32>
// Format: docs/formats/content-address.md.
//
// The functions below compute store paths (reference: Nix manual, "Store Path Specification").
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/hash.hh>
#include <cinch/core/store_path.hh>

#include <compare>
#include <string>
#include <string_view>

namespace cinch {

enum class ContentAddressMethod : std::uint8_t {
  text,  // the bytes of one regular file, with references; sha256 only
  flat,  // the bytes of one regular file, without references
  nar,   // the NAR of a file-system object
  git,   // the git object of a file or directory, without references; sha1 and sha256 only
};

// "text", "flat", "nar", "git": the names of the JSON formats and of --mode.
CINCH_CORE_API std::string_view to_string(ContentAddressMethod method);
CINCH_CORE_API ContentAddressMethod parse_content_address_method(std::string_view name);
// The prefix in ATerms and on the wire: "text:", "", "r:", "git:".
CINCH_CORE_API std::string_view method_prefix(ContentAddressMethod method);
// Throws Code::invalid_argument for an algorithm that the method does not allow.
CINCH_CORE_API void check_content_address_algorithm(ContentAddressMethod method,
                                                    HashAlgorithm algorithm);

struct CINCH_CORE_API ContentAddress {
  ContentAddressMethod method;
  Hash hash;

  // Throws Code::malformed.
  static ContentAddress parse(std::string_view text);
  std::string to_string() const;

  friend auto operator<=>(const ContentAddress&, const ContentAddress&) = default;
};

struct References {
  StorePathSet others;
  bool self = false;
};

// `type:sha256:<base16>:<store dir>:<name>`, hashed with SHA-256 and folded to 20 bytes.
CINCH_CORE_API StorePath make_store_path(const StoreDir& store_dir, std::string_view type,
                                         const Hash& inner, std::string_view name);
// The path of one output of an input-addressed derivation. `name` is the derivation's name without
// ".drv"; "-<output>" is appended unless the output is "out".
CINCH_CORE_API StorePath make_output_path(const StoreDir& store_dir, std::string_view output,
                                          const Hash& derivation_hash, std::string_view name);
// The path of content-addressed content. Throws Code::invalid_argument for combinations that have
// no path (text that is not sha256 or refers to itself; git that is neither sha1 nor sha256; flat,
// git, or nar that is not sha256, with references).
CINCH_CORE_API StorePath make_content_addressed_path(const StoreDir& store_dir,
                                                     std::string_view name,
                                                     const ContentAddress& address,
                                                     const References& references = {});
// "name" for output "out", "name-output" for the others.
CINCH_CORE_API std::string output_path_name(std::string_view derivation_name,
                                            std::string_view output);

}  // namespace cinch
