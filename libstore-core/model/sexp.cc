// Format: docs/formats/guix-signature.md.
#include "refusal.hh"

#include <cinch/core/encoding.hh>
#include <cinch/core/sexp.hh>

#include <algorithm>
#include <charconv>
#include <utility>

namespace cinch {

namespace {

constexpr std::string_view blanks = " \t\r\n\f\v";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_token_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) ||
         std::string_view("-./_:*+=").find(c) != std::string_view::npos;
}

// Lists that are open stand on a stack, so that nesting costs no call.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}
  Sexp parse();

 private:
  [[noreturn]] void refuse(Code code, std::string message, std::size_t offset) const {
    throw Error(code, std::move(message)).about(excerpt(text_)).at(offset);
  }
  void skip_blanks() {
    while (position_ < text_.size() && blanks.find(text_[position_]) != std::string_view::npos) {
      ++position_;
    }
  }
  void open_list();
  // Puts a finished value into the list that is open; answers whether it was the whole text.
  bool add(Sexp value);
  std::string read_bytes();
  std::string read_counted();
  std::string read_quoted();
  char read_escape();
  std::string read_enclosed(char end);
  std::string read_token();

  std::string_view text_;
  std::size_t position_ = 0;
  std::vector<Sexp> open_;
  Sexp result_;
};

Sexp Parser::parse() {
  if (text_.size() > sexp_bytes_max) {
    throw Error(Code::limit_exceeded,
                "an s-expression has more than " + std::to_string(sexp_bytes_max) + " bytes")
        .at(sexp_bytes_max);
  }
  for (bool complete = false; !complete;) {
    skip_blanks();
    if (position_ == text_.size()) {
      refuse(Code::malformed, "the s-expression ends too early", position_);
    }
    if (text_[position_] == '(') {
      open_list();
    } else if (text_[position_] == ')') {
      if (open_.empty()) refuse(Code::malformed, "a list ends that has not begun", position_);
      ++position_;
      Sexp list = std::move(open_.back());
      open_.pop_back();
      complete = add(std::move(list));
    } else {
      const std::size_t start = position_;
      complete = add({.bytes = read_bytes(), .offset = start});
    }
  }
  skip_blanks();
  if (position_ != text_.size()) {
    refuse(Code::malformed, "something follows the s-expression", position_);
  }
  return std::move(result_);
}

void Parser::open_list() {
  if (open_.size() == sexp_depth_max) {
    refuse(
        Code::limit_exceeded,
        "the s-expression is nested more than " + std::to_string(sexp_depth_max) + " levels deep",
        position_);
  }
  open_.push_back({.is_list = true, .offset = position_});
  ++position_;
}

bool Parser::add(Sexp value) {
  if (open_.empty()) {
    result_ = std::move(value);
    return true;
  }
  open_.back().items.push_back(std::move(value));
  return false;
}

std::string Parser::read_bytes() {
  const char first = text_[position_];
  if (is_digit(first)) return read_counted();
  if (first == '"') return read_quoted();
  if (first == '#' || first == '|') return read_enclosed(first);
  if (first == '[') refuse(Code::not_supported, "display hints are not supported", position_);
  return read_token();
}

// `<count>:<bytes>`. The count is checked against what is there before anything is copied.
std::string Parser::read_counted() {
  const char* end = text_.data() + text_.size();
  std::size_t count = 0;
  const auto [stop, error] = std::from_chars(text_.data() + position_, end, count);
  const auto after = static_cast<std::size_t>(stop - text_.data());
  const bool spelled_well = text_[position_] != '0' || after == position_ + 1;
  if (error != std::errc() || !spelled_well || stop == end || *stop != ':') {
    refuse(Code::malformed, "expected '<count>:<bytes>'", position_);
  }
  if (count > text_.size() - after - 1) {
    refuse(Code::malformed, "a byte string is longer than the text", position_);
  }
  position_ = after + 1 + count;
  return std::string(text_.substr(after + 1, count));
}

std::string Parser::read_quoted() {
  const std::size_t start = position_++;
  std::string bytes;
  while (position_ < text_.size()) {
    const char c = text_[position_++];
    if (c == '"') return bytes;
    bytes += c == '\\' ? read_escape() : c;
  }
  refuse(Code::malformed, "a string has no end", start);
}

// What follows a backslash: a letter, three octal digits, or `x` and two hexadecimal ones.
char Parser::read_escape() {
  constexpr std::string_view letters = "btvnfr\"'\\";
  constexpr std::string_view values = "\b\t\v\n\f\r\"'\\";
  const std::size_t start = position_;
  const char first = start < text_.size() ? text_[start] : '\0';
  if (const std::size_t index = letters.find(first);
      first != '\0' && index != std::string_view::npos) {
    ++position_;
    return values[index];
  }
  const bool hexadecimal = first == 'x';
  const std::string_view digits =
      hexadecimal ? text_.substr(start + 1, 2) : text_.substr(std::min(start, text_.size()), 3);
  unsigned value = 0;
  const auto [stop, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, hexadecimal ? 16 : 8);
  if (error != std::errc() || stop != digits.data() + digits.size() || value > 0xff ||
      digits.size() != (hexadecimal ? 2 : 3)) {
    refuse(Code::malformed, "unknown escape in a string", start);
  }
  position_ = start + 3;
  return static_cast<char>(value);
}

// `#<base16>#` or `|<base64>|`.
std::string Parser::read_enclosed(char end) {
  const std::size_t start = position_ + 1;
  const std::size_t stop = text_.find(end, start);
  if (stop == std::string_view::npos) {
    refuse(Code::malformed, std::string("expected a second '") + end + "'", text_.size());
  }
  const std::string_view digits = text_.substr(start, stop - start);
  position_ = stop + 1;
  return parse_part(text_, start,
                    [&] { return end == '#' ? base16_decode(digits) : base64_decode(digits); });
}

std::string Parser::read_token() {
  const std::size_t start = position_;
  while (position_ < text_.size() && is_token_character(text_[position_])) ++position_;
  if (position_ == start) {
    refuse(Code::malformed, printable(text_[start]) + " cannot begin a byte string or a list",
           start);
  }
  return std::string(text_.substr(start, position_ - start));
}

}  // namespace

Sexp Sexp::parse(std::string_view text) { return Parser(text).parse(); }

std::string Sexp::to_canonical() const {
  std::string text;
  // Where the printer stands in the lists that are open.
  struct Place {
    const Sexp* list;
    std::size_t index;
  };
  std::vector<Place> open;
  const auto begin = [&](const Sexp& value) {
    if (value.is_list) {
      text += '(';
      open.push_back({&value, 0});
    } else {
      text += std::to_string(value.bytes.size()) + ":" + value.bytes;
    }
  };
  begin(*this);
  while (!open.empty()) {
    Place& place = open.back();
    if (place.index < place.list->items.size()) {
      begin(place.list->items[place.index++]);
    } else {
      text += ')';
      open.pop_back();
    }
  }
  return text;
}

bool Sexp::is(std::string_view name) const {
  return is_list && !items.empty() && !items.front().is_list && items.front().bytes == name;
}

const Sexp* Sexp::find(std::string_view name) const {
  const auto matches = [&](const Sexp& item) { return item.is(name); };
  const auto found = std::ranges::find_if(items, matches);
  if (found == items.end() || std::find_if(found + 1, items.end(), matches) != items.end()) {
    return nullptr;
  }
  return &*found;
}

}  // namespace cinch
