// Private to the library: texts of `Name: value` lines, as binary caches serve them.
#pragma once

#include <cinch/core/error.hh>
#include <cinch/core/narinfo.hh>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cinch {

struct FieldLine {
  std::string_view name;
  std::string_view value;
  std::size_t offset;        // of the line in the text
  std::size_t value_offset;  // of the value in the text
  std::uint32_t number;      // from 1

  // Throws Code::malformed about this line; `inside` is an offset in the value.
  [[noreturn]] void fail(std::string message, std::size_t inside = 0) const;

  // Runs `parse` on the value; what it throws then speaks of this line.
  template <class Parse>
  auto parse_value(Parse parse) const {
    try {
      return parse(value);
    } catch (const Error& error) {
      rethrow(error);
    }
  }
  // A whole number in decimal, without leading zeros or signs.
  std::uint64_t parse_number() const;

 private:
  [[noreturn]] void rethrow(const Error& error) const;
};

// Splits `text` into its lines, each of which ends in a newline and has ": " after the name.
// Throws Code::malformed.
class FieldLines {
 public:
  explicit FieldLines(std::string_view text) : text_(text) {}
  std::optional<FieldLine> next();

 private:
  std::string_view text_;
  std::size_t position_ = 0;
  std::uint32_t number_ = 0;
};

// Writes a line. Throws Code::invalid_argument for a name or a value that is no line.
void append_field(std::string& text, std::string_view name, std::string_view value);
void append_fields(std::string& text, const std::vector<NamedField>& fields);

}  // namespace cinch
