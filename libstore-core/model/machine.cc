// Format: docs/formats/machines.md.
#include "decode_to.hh"
#include "refusal.hh"

#include <cinch/core/encoding.hh>
#include <cinch/core/error.hh>
#include <cinch/core/machine.hh>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace cinch {

namespace {

constexpr std::string_view blanks = " \t\r\f\v";
constexpr std::string_view absent = "-";

enum Column : std::size_t {
  store_url,
  systems,
  ssh_key,
  jobs,
  speed_factor,
  supported_features,
  mandatory_features,
  host_key,
};
constexpr std::size_t column_count = host_key + 1;

// One entry, between newlines and semicolons, and where it stands.
struct Entry {
  std::string_view whole;
  std::size_t start;
  std::size_t end;
  std::uint32_t line;
};

class Parser {
 public:
  Parser(std::string_view text, const std::set<std::string>& default_systems)
      : text_(text), default_systems_(default_systems) {}
  Machines parse();

 private:
  void take_line(std::size_t start, std::size_t end);
  void take_entry(std::size_t start, std::size_t end);
  // The words of the entry; those that are '-' or missing are empty.
  std::array<std::string_view, column_count> split(std::size_t start, std::size_t end) const;
  // The subject is the word that begins at `at`.
  [[noreturn]] void refuse(std::string message, const char* at) const {
    const auto offset = static_cast<std::size_t>(at - text_.data());
    const std::string_view rest = text_.substr(offset);
    throw Error(Code::malformed, "line " + std::to_string(line_) + ": " + std::move(message))
        .about(excerpt(rest.substr(0, rest.find_first_of(" \t\n;"))))
        .at(offset);
  }
  std::set<std::string> read_list(std::string_view word) const;
  std::uint32_t read_jobs(std::string_view word) const;
  double read_speed(std::string_view word) const;
  void check_host_key(std::string_view word) const;

  std::string_view text_;
  const std::set<std::string>& default_systems_;
  std::uint32_t line_ = 0;
  Machines result_;
};

Machines Parser::parse() {
  std::size_t start = 0;
  while (start < text_.size()) {
    ++line_;
    const std::size_t end = std::min(text_.find('\n', start), text_.size());
    take_line(start, end);
    start = end + 1;
  }
  return std::move(result_);
}

// A comment reaches to the end of its line, over all semicolons.
void Parser::take_line(std::size_t start, std::size_t end) {
  end = start + std::min(text_.substr(start, end - start).find('#'), end - start);
  while (start < end) {
    const std::size_t stop =
        start + std::min(text_.substr(start, end - start).find(';'), end - start);
    take_entry(start, stop);
    start = stop + 1;
  }
}

void Parser::take_entry(std::size_t start, std::size_t end) {
  const std::string_view entry = text_.substr(start, end - start);
  const std::size_t first = entry.find_first_not_of(blanks);
  if (first == std::string_view::npos) return;
  if (entry[first] == '@') {
    const std::string_view file = entry.substr(first + 1, entry.find_last_not_of(blanks) - first);
    if (file.empty()) refuse("expected the name of a file after '@'", entry.data() + first);
    result_.included_files.emplace_back(file);
    return;
  }
  const auto words = split(start, end);
  if (words[store_url].empty()) refuse("a machine must have a store", entry.data() + first);
  Machine machine{.store_url = std::string(words[store_url]),
                  .systems = words[systems].empty() ? default_systems_ : read_list(words[systems]),
                  .ssh_key = std::string(words[ssh_key]),
                  .supported_features = read_list(words[supported_features]),
                  .mandatory_features = read_list(words[mandatory_features]),
                  .ssh_host_key = std::string(words[host_key])};
  if (!words[jobs].empty()) machine.jobs_max = read_jobs(words[jobs]);
  if (!words[speed_factor].empty()) machine.speed_factor = read_speed(words[speed_factor]);
  check_host_key(words[host_key]);
  // A host's name is enough; anything that names a kind of store is one.
  if (machine.store_url.find("://") == std::string::npos &&
      machine.store_url.find('/') == std::string::npos && machine.store_url != "auto" &&
      machine.store_url != "daemon" && machine.store_url != "local" &&
      !machine.store_url.starts_with("auto?") && !machine.store_url.starts_with("daemon?") &&
      !machine.store_url.starts_with("local?")) {
    machine.store_url.insert(0, "ssh://");
  }
  result_.machines.push_back(std::move(machine));
}

std::array<std::string_view, column_count> Parser::split(std::size_t start, std::size_t end) const {
  std::array<std::string_view, column_count> words;
  std::size_t count = 0;
  for (;;) {
    const std::string_view rest = text_.substr(start, end - start);
    const std::size_t first = rest.find_first_not_of(blanks);
    if (first == std::string_view::npos) return words;
    const std::size_t length = std::min(rest.find_first_of(blanks, first), rest.size()) - first;
    const std::string_view word = rest.substr(first, length);
    if (count == column_count) {
      refuse("a machine has at most " + std::to_string(column_count) + " fields", word.data());
    }
    if (word != absent) words[count] = word;
    ++count;
    start += first + length;
  }
}

// Words between commas; empty ones do not count.
std::set<std::string> Parser::read_list(std::string_view word) const {
  std::set<std::string> list;
  std::size_t start = 0;
  while (start < word.size()) {
    const std::size_t end = std::min(word.find(',', start), word.size());
    if (end != start) list.emplace(word.substr(start, end - start));
    start = end + 1;
  }
  return list;
}

std::uint32_t Parser::read_jobs(std::string_view word) const {
  std::uint32_t number = 0;
  const char* end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, number);
  if (error != std::errc() || stop != end) {
    refuse("the number of jobs must be a whole number below 2^32", word.data());
  }
  return number;
}

double Parser::read_speed(std::string_view word) const {
  double number = 0;
  const char* end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, number, std::chars_format::fixed);
  if (error != std::errc() || stop != end || !(number >= 0) || number > 1e9) {
    refuse("the speed factor must be a number from 0 to 1000000000", word.data());
  }
  return number;
}

void Parser::check_host_key(std::string_view word) const {
  try {
    base64_decode(word);
  } catch (const Error& error) {
    refuse("the host key: " + error.message(), word.data() + error.offset().value_or(0));
  }
}

// --- writing ---

void append_word(std::string& line, std::string_view word) {
  if (word == absent || word.find_first_of("\n;# \t\r\f\v") != std::string_view::npos) {
    throw Error(Code::invalid_argument, "a field of a machine has a blank, ';' or '#', or is '-'")
        .about(excerpt(word));
  }
  if (!line.empty()) line += ' ';
  line += word.empty() ? absent : word;
}

std::string join(const std::set<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (word.empty() || word == absent || word.find(',') != std::string::npos) {
      throw Error(Code::invalid_argument, "a system or feature is empty, '-', or has a comma")
          .about(excerpt(word));
    }
    if (!text.empty()) text += ',';
    text += word;
  }
  return text;
}

}  // namespace

Machines parse_machines(std::string_view text, const std::set<std::string>& default_systems) {
  if (text.size() > machines_bytes_max) {
    throw Error(Code::limit_exceeded,
                "a list of machines has more than " + std::to_string(machines_bytes_max) + " bytes")
        .at(machines_bytes_max);
  }
  return Parser(text, default_systems).parse();
}

std::string print_machine(const Machine& machine) {
  std::array<char, 32> number{};
  const auto end = std::to_chars(number.data(), number.data() + number.size(), machine.speed_factor,
                                 std::chars_format::fixed);
  if (machine.store_url.empty() || machine.store_url.starts_with('@') ||
      !(machine.speed_factor >= 0) || machine.speed_factor > 1e9 || end.ec != std::errc()) {
    throw Error(Code::invalid_argument,
                "a machine must have a store and a speed factor from 0 to 1000000000")
        .about(excerpt(machine.store_url));
  }
  std::string line;
  append_word(line, machine.store_url);
  append_word(line, join(machine.systems));
  append_word(line, machine.ssh_key);
  append_word(line, std::to_string(machine.jobs_max));
  append_word(line, std::string_view(number.data(), end.ptr));
  append_word(line, join(machine.supported_features));
  append_word(line, join(machine.mandatory_features));
  append_word(line, machine.ssh_host_key);
  return line + '\n';
}

}  // namespace cinch
