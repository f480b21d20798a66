// Format: docs/formats/nix-conf.md.
#include "refusal.hh"
#include "words.hh"

#include <cinch/core/config_file.hh>
#include <cinch/core/error.hh>

#include <algorithm>
#include <span>
#include <utility>

namespace cinch {

namespace {

// A file that is being read; includes stack up.
struct OpenFile {
  std::string name;
  std::string text;
  std::size_t position = 0;
  std::size_t line_start = 0;
  std::uint32_t line = 0;
};

std::string join_words(std::span<const std::string_view> words) {
  std::string text;
  for (const std::string_view word : words) {
    if (!text.empty()) text += ' ';
    text += word;
  }
  return text;
}

std::string place(const OpenFile& file) { return file.name + ":" + std::to_string(file.line); }

// Where a part of the current line stands in its file.
std::size_t offset_of(const OpenFile& file, std::string_view line, std::string_view part) {
  return file.line_start + static_cast<std::size_t>(part.data() - line.data());
}

std::string resolve(const std::string& including_file, std::string_view included) {
  if (included.starts_with('/')) return std::string(included);
  const std::size_t slash = including_file.rfind('/');
  if (slash == std::string::npos) return std::string(included);
  return including_file.substr(0, slash + 1).append(included);
}

class Parser {
 public:
  explicit Parser(const ReadConfig& read) : read_(read) {}
  std::vector<ConfigLine> parse(std::string_view text, const std::string& file);

 private:
  void take_line(std::string_view line);
  void include(std::string_view file, bool required);

  const ReadConfig& read_;
  std::vector<OpenFile> files_;
  std::uint32_t includes_ = 0;
  std::vector<ConfigLine> lines_;
};

std::vector<ConfigLine> Parser::parse(std::string_view text, const std::string& file) {
  files_.push_back({.name = file, .text = std::string(text)});
  while (!files_.empty()) {
    OpenFile& current = files_.back();
    if (current.position == current.text.size()) {
      files_.pop_back();
      continue;
    }
    const std::size_t end =
        std::min(current.text.find('\n', current.position), current.text.size());
    const std::string line = current.text.substr(current.position, end - current.position);
    current.line_start = current.position;
    current.position = std::min(end + 1, current.text.size());
    ++current.line;
    take_line(line);
  }
  return std::move(lines_);
}

void Parser::take_line(std::string_view line) {
  const std::vector<std::string_view> words = split_words(line.substr(0, line.find('#')));
  if (words.empty()) return;
  const OpenFile& file = files_.back();
  if (words[0] == "include" || words[0] == "!include") {
    if (words.size() != 2) {
      throw Error(Code::malformed, "'" + std::string(words[0]) +
                                       "' must be followed by one file name at " + place(file))
          .about(file.name)
          .at(offset_of(file, line, words[0]));
    }
    include(words[1], words[0] == "include");
    return;
  }
  if (words.size() < 2 || words[1] != "=") {
    const std::string_view last = words.size() < 2 ? words[0] : words[1];
    throw Error(Code::malformed,
                "expected 'name = value' near '" + excerpt(last) + "' at " + place(file))
        .about(file.name)
        .at(offset_of(file, line, last));
  }
  lines_.push_back({.name = std::string(words[0]),
                    .value = join_words(std::span(words).subspan(2)),
                    .file = file.name,
                    .line = file.line});
}

void Parser::include(std::string_view included, bool required) {
  const OpenFile& file = files_.back();
  if (files_.size() > config_include_depth_max || ++includes_ > config_includes_max) {
    throw Error(Code::limit_exceeded, "too many files include each other at " + place(file))
        .about(file.name)
        .at(file.line_start);
  }
  std::string name = resolve(file.name, included);
  std::optional<std::string> text = read_(name);
  if (text) {
    files_.push_back({.name = std::move(name), .text = *std::move(text)});
  } else if (required) {
    throw Error(Code::not_found,
                "the file that is included at " + place(file) + " cannot be opened")
        .about(name)
        .hint("write '!include' for a file that may be missing");
  }
}

}  // namespace

std::vector<ConfigLine> parse_config(std::string_view text, const std::string& file,
                                     const ReadConfig& read) {
  return Parser(read).parse(text, file);
}

}  // namespace cinch
