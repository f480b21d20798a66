// What stands for the path of an output, in arguments and variables, before the path is known: "/"
// and 52 nix32 characters. Format: docs/formats/derivation.md.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/hash.hh>
#include <cinch/core/store_path.hh>

#include <map>
#include <string>
#include <string_view>

namespace cinch {

class CINCH_CORE_API Placeholder {
 public:
  static constexpr std::size_t length = 53;

  // An output of the derivation that has the placeholder.
  static Placeholder own_output(std::string_view output);
  // An output of an input derivation. REQUIRES: derivation.is_derivation().
  static Placeholder input_output(const StorePath& derivation, std::string_view output);
  // An output of a derivation that is itself what this placeholder stands for.
  Placeholder output_of_this(std::string_view output) const;

  std::string text() const;
  friend auto operator<=>(const Placeholder&, const Placeholder&) = default;

 private:
  explicit Placeholder(std::string_view clear_text);
  Hash hash_;
};

// Texts of placeholders, and what takes their places.
using PlaceholderTexts = std::map<std::string, std::string, std::less<>>;

// The text with each placeholder replaced that is in the map. Takes linear time.
CINCH_CORE_API std::string replace_placeholders(std::string_view text,
                                                const PlaceholderTexts& replacements);

}  // namespace cinch
