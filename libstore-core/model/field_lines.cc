#include "field_lines.hh"

#include "refusal.hh"

#include <charconv>

namespace cinch {

namespace {

constexpr std::string_view separator = ": ";

Error refusal(Code code, std::uint32_t line, std::string message, std::string_view subject,
              std::size_t offset) {
  return Error(code, "line " + std::to_string(line) + ": " + std::move(message))
      .about(excerpt(subject))
      .at(offset);
}

}  // namespace

void FieldLine::fail(std::string message, std::size_t inside) const {
  throw refusal(Code::malformed, number, std::move(message),
                std::string(name) + std::string(separator) + std::string(excerpt(value)),
                value_offset + inside);
}

void FieldLine::rethrow(const Error& error) const {
  throw refusal(error.code(), number, "the field '" + std::string(name) + "': " + error.message(),
                value, value_offset + error.offset().value_or(0));
}

std::uint64_t FieldLine::parse_number() const {
  std::uint64_t number_value = 0;
  const char* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, number_value);
  if (error != std::errc() || stop != end || (value.size() > 1 && value.front() == '0')) {
    fail("the field '" + std::string(name) +
         "' must be a whole number below 2^64 in decimal, without leading zeros");
  }
  return number_value;
}

std::optional<FieldLine> FieldLines::next() {
  if (position_ == text_.size()) return std::nullopt;
  const std::size_t start = position_;
  ++number_;
  const std::size_t end = text_.find('\n', start);
  if (end == std::string_view::npos) {
    throw refusal(Code::malformed, number_, "the last line does not end in a newline",
                  text_.substr(start), text_.size());
  }
  position_ = end + 1;
  const std::string_view line = text_.substr(start, end - start);
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0 || !line.substr(colon).starts_with(separator)) {
    const std::size_t at = colon == std::string_view::npos ? line.size() : colon;
    throw refusal(Code::malformed, number_, "expected '<name>: <value>'", line, start + at);
  }
  return FieldLine{.name = line.substr(0, colon),
                   .value = line.substr(colon + separator.size()),
                   .offset = start,
                   .value_offset = start + colon + separator.size(),
                   .number = number_};
}

void append_field(std::string& text, std::string_view name, std::string_view value) {
  if (name.empty() || name.find_first_of(":\n") != std::string_view::npos ||
      value.find('\n') != std::string_view::npos) {
    throw Error(Code::invalid_argument,
                "a field must have a name without ':' and a value without a newline")
        .about(excerpt(name));
  }
  text += name;
  text += separator;
  text += value;
  text += '\n';
}

void append_fields(std::string& text, const std::vector<NamedField>& fields) {
  for (const NamedField& field : fields) append_field(text, field.name, field.value);
}

}  // namespace cinch
