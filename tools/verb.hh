// A verb is one thing that the command can do ("store ls"), described as data: parsing, help and
// completion all follow from the same table, so they cannot disagree.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cinch::cli {

struct Option {
  std::string_view names;  // the short one first, if any: "-o,--out-link"
  std::string_view value;  // its name in the help; empty: a flag; two words: two values
  std::string_view help;

  // The last name, by which Arguments knows the option: "--out-link".
  std::string_view key() const;
  std::size_t value_count() const;
};

// A command line, taken apart.
class Arguments {
 public:
  using Values = std::map<std::string, std::vector<std::string>, std::less<>>;

  Arguments() = default;
  Arguments(Values options, std::vector<std::string> positional)
      : options_(std::move(options)), positional_(std::move(positional)) {}

  // An option is asked for by its key. How often a flag was given; whether, and with what value
  // (the last one counts), an option was.
  std::size_t count(std::string_view key) const;
  bool has(std::string_view key) const { return count(key) > 0; }
  std::optional<std::string> value(std::string_view key) const;
  // All values, in order; those of an option with two values alternate.
  std::vector<std::string> values(std::string_view key) const;
  const std::vector<std::string>& positional() const { return positional_; }

 private:
  Values options_;
  std::vector<std::string> positional_;
};

struct Context;

constexpr std::size_t any_number = static_cast<std::size_t>(-1);

struct Verb {
  std::string_view name;       // "store ls"
  std::string_view summary;    // one sentence for lists, without a final period
  std::string_view arguments;  // as the usage line shows them: "PATH..."
  std::size_t arguments_min;
  std::size_t arguments_max;
  std::string_view description;  // what the summary leaves out
  std::string_view example;      // commands, one a line
  std::span<const Option> options;
  int (*run)(Context& context);  // returns the exit status
};

}  // namespace cinch::cli
