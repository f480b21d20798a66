// Format: docs/formats/derivation.md. The parser is one pass over the text. The nesting is fixed by
// the format, except for outputs of outputs, which have a limit.
#include "byte_search.hh"
#include "derivation_writer.hh"
#include "output_method.hh"

#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/error.hh>

#include <utility>

namespace cinch {

namespace {

std::string quoted(std::string_view text) {
  constexpr std::size_t shown_bytes_max = 120;
  std::string result = "'";
  result += text.substr(0, shown_bytes_max);
  if (text.size() > shown_bytes_max) result += "...";
  return result += '\'';
}

char unescaped(char byte) {
  switch (byte) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return byte;
  }
}

StorePath parse_path_of(const StoreDir& store_dir, std::string_view what, std::string_view path) {
  const std::size_t start = store_dir.text().size() + 1;
  try {
    if (path.size() > start && path[start - 1] == '/' && path.starts_with(store_dir.text())) {
      return StorePath::parse(path.substr(start));
    }
    return store_dir.parse(path);
  } catch (const Error& error) {
    throw Error(Code::malformed, std::string(what) + " " + quoted(path) +
                                     " is not a store path: " + error.message());
  }
}

// One output: what is said of it, and of what.
class OutputParser {
 public:
  OutputParser(const DerivationOutputTexts& texts, std::string_view output,
               std::string_view derivation_name, const StoreDir& store_dir)
      : texts_(texts),
        output_(output),
        derivation_name_(derivation_name),
        store_dir_(store_dir),
        subject_("derivation output " + quoted(output)) {}

  DerivationOutput parse() const {
    if (!texts_.algorithm.empty()) return parse_addressed();
    if (!texts_.hash.empty()) fail(" has a hash but no hash algorithm");
    if (texts_.path.empty()) return DeferredOutput{};
    return InputAddressedOutput{parse_path_of(store_dir_, "the path of " + subject_, texts_.path)};
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(Code::malformed, subject_ + what);
  }

  OutputMethod parse_method() const {
    try {
      return parse_output_method(texts_.algorithm);
    } catch (const Error& error) {
      throw Error(error.code(), subject_ + " has a bad hash algorithm: " + error.message());
    }
  }

  DerivationOutput parse_addressed() const {
    const OutputMethod method = parse_method();
    const bool impure = texts_.hash == "impure";
    if (!texts_.hash.empty() && !impure) return parse_fixed(method);
    if (!texts_.path.empty()) fail(" has a path although its hash is not known");
    if (impure) return ImpureOutput{method.method, method.algorithm};
    return FloatingOutput{method.method, method.algorithm};
  }

  ContentAddress parse_address(const OutputMethod& method) const {
    try {
      return {method.method, Hash::parse_digest(texts_.hash, method.algorithm)};
    } catch (const Error& error) {
      fail(" has a bad hash: " + error.message());
    }
  }

  DerivationOutput parse_fixed(const OutputMethod& method) const {
    const FixedOutput result{parse_address(method)};
    const StorePath computed = fixed_output_path(store_dir_, derivation_name_, output_, result);
    if (texts_.path != store_dir_.print(computed)) {
      throw Error(Code::invalid_derivation, subject_ + " has the path " + quoted(texts_.path) +
                                                " but its hash gives '" +
                                                store_dir_.print(computed) + "'");
    }
    return result;
  }

  const DerivationOutputTexts& texts_;
  const std::string_view output_;
  const std::string_view derivation_name_;
  const StoreDir& store_dir_;
  const std::string subject_;
};

class Parser {
 public:
  Parser(std::string_view text, std::string_view name, const StoreDir& store_dir)
      : text_(text), store_dir_(store_dir) {
    derivation_.name = name;
  }
  Derivation parse();

 private:
  [[noreturn]] void fail(std::string message, std::size_t offset) const {
    throw Error(Code::malformed, std::move(message)).at(offset);
  }
  void expect(char wanted) {
    if (position_ == text_.size() || text_[position_] != wanted) fail_expected(wanted);
    ++position_;
  }
  [[noreturn]] void fail_expected(char wanted) const;
  bool next_is(char wanted) const { return position_ < text_.size() && text_[position_] == wanted; }
  // After '[' or an element of a list: moves to the next element, or past the final ']'.
  bool next_element(bool& first);
  // The value is lent: until the next call, or for as long as the text lives.
  std::string_view read_string();
  std::string_view unescape(std::size_t start, std::size_t backslash);
  StorePath read_path(std::string_view what);
  void read_head();
  void read_output();
  StorePath parse_path(std::string_view what, std::string_view path, std::size_t offset) const;
  void read_input_derivation();
  void add_input_derivation(StorePath path, OutputNames outputs, DynamicInputs dynamic,
                            std::size_t offset);
  OutputNames read_names();
  DynamicInputs read_dynamic_inputs(std::size_t depth);
  DynamicInput read_dynamic_input(std::size_t depth);
  void read_input_source();
  void read_variable();

  std::string_view text_;
  const StoreDir& store_dir_;
  std::size_t position_ = 0;
  bool dynamic_ = false;  // the text says that it may have outputs of outputs
  std::string scratch_;
  Derivation derivation_;
};

Derivation Parser::parse() {
  read_head();
  const auto each = [&](auto read) {
    expect('[');
    for (bool first = true; next_element(first);) read();
    expect(',');
  };
  each([&] { read_output(); });
  each([&] { read_input_derivation(); });
  each([&] { read_input_source(); });
  derivation_.system = read_string();
  expect(',');
  derivation_.builder = read_string();
  expect(',');
  each([&] { derivation_.arguments.emplace_back(read_string()); });
  expect('[');
  for (bool first = true; next_element(first);) read_variable();
  expect(')');
  if (position_ != text_.size())
    fail("unexpected bytes after the end of the derivation", position_);
  return std::move(derivation_);
}

void Parser::read_head() {
  constexpr std::string_view plain = "Derive(";
  constexpr std::string_view versioned = "DrvWithVersion(";
  if (text_.starts_with(plain)) {
    position_ = plain.size();
    return;
  }
  if (!text_.starts_with(versioned)) {
    fail("a derivation must begin with 'Derive('", 0);
  }
  position_ = versioned.size();
  const std::string_view version = read_string();
  if (version != "xp-dyn-drv") {
    throw Error(Code::not_supported,
                "derivations in format " + quoted(version) + " are not supported")
        .at(versioned.size());
  }
  expect(',');
  dynamic_ = true;
}

void Parser::fail_expected(char wanted) const {
  if (position_ == text_.size()) fail("the derivation ends in the middle", position_);
  fail("expected '" + std::string(1, wanted) + "'", position_);
}

bool Parser::next_element(bool& first) {
  if (next_is(']')) {
    ++position_;
    return false;
  }
  if (!first) expect(',');
  first = false;
  return true;
}

std::string_view Parser::read_string() {
  expect('"');
  const std::size_t start = position_;
  const std::size_t at = find_byte<'"', '\\'>(text_, start);
  if (at == text_.size()) fail("the string that begins here does not end", start - 1);
  if (text_[at] == '\\') return unescape(start, at);
  position_ = at + 1;
  return text_.substr(start, at - start);
}

std::string_view Parser::unescape(std::size_t start, std::size_t backslash) {
  scratch_.assign(text_, start, backslash - start);
  std::size_t at = backslash;
  while (at + 1 < text_.size() && text_[at] == '\\') {
    scratch_ += unescaped(text_[at + 1]);
    const std::size_t run = at + 2;
    at = find_byte<'"', '\\'>(text_, run);
    scratch_.append(text_, run, at - run);
  }
  if (at >= text_.size() || text_[at] != '"') {
    fail("the string that begins here does not end", start - 1);
  }
  position_ = at + 1;
  return scratch_;
}

StorePath Parser::parse_path(std::string_view what, std::string_view path,
                             std::size_t offset) const {
  try {
    return parse_path_of(store_dir_, what, path);
  } catch (Error& error) {
    throw std::move(error).at(offset);
  }
}

StorePath Parser::read_path(std::string_view what) {
  const std::size_t offset = position_ + 1;
  return parse_path(what, read_string(), offset);
}

void Parser::read_output() {
  expect('(');
  const std::size_t offset = position_ + 1;
  const std::string output(read_string());
  expect(',');
  const std::size_t path_offset = position_ + 1;
  const std::string path(read_string());
  expect(',');
  const std::size_t algorithm_offset = position_ + 1;
  const std::string algorithm(read_string());
  expect(',');
  const std::string_view hash = read_string();
  const auto parse_output = [&] {
    try {
      return parse_derivation_output({.path = path, .algorithm = algorithm, .hash = hash}, output,
                                     derivation_.name, store_dir_);
    } catch (Error& error) {
      throw std::move(error).at(algorithm.empty() ? path_offset : algorithm_offset);
    }
  };
  DerivationOutput value = parse_output();
  expect(')');
  if (!derivation_.outputs.emplace(output, std::move(value)).second) {
    fail("derivation output " + quoted(output) + " occurs twice", offset);
  }
}

// Texts that Nix wrote are sorted, so each element belongs at the end of its set or map.
OutputNames Parser::read_names() {
  OutputNames outputs;
  expect('[');
  for (bool first = true; next_element(first);) {
    const std::size_t offset = position_ + 1;
    const std::string_view output = read_string();
    const std::size_t count = outputs.size();
    outputs.emplace_hint(outputs.end(), output);
    if (outputs.size() == count) {
      fail("output " + quoted(output) + " of an input derivation occurs twice", offset);
    }
  }
  return outputs;
}

void Parser::read_input_derivation() {
  expect('(');
  const std::size_t offset = position_ + 1;
  StorePath path = read_path("the input derivation");
  expect(',');
  const bool dynamic = dynamic_ && next_is('(');
  if (dynamic) ++position_;
  OutputNames outputs = read_names();
  DynamicInputs inputs;
  if (dynamic) {
    expect(',');
    inputs = read_dynamic_inputs(1);
    expect(')');
  }
  expect(')');
  add_input_derivation(std::move(path), std::move(outputs), std::move(inputs), offset);
}

void Parser::add_input_derivation(StorePath path, OutputNames outputs, DynamicInputs dynamic,
                                  std::size_t offset) {
  auto& plain_inputs = derivation_.input_derivations;
  auto& dynamic_inputs = derivation_.dynamic_inputs;
  const auto refuse = [&] {
    fail("the input derivation '" + path.base_name() + "' occurs twice", offset);
  };
  if (!dynamic_inputs.empty() && dynamic_inputs.contains(path)) refuse();
  if (!dynamic.empty()) {
    if (plain_inputs.contains(path)) refuse();
    dynamic_inputs.emplace(path, std::move(dynamic));
    if (outputs.empty()) return;
  }
  const std::size_t count = plain_inputs.size();
  const auto entry = plain_inputs.emplace_hint(plain_inputs.end(), std::move(path), OutputNames());
  if (plain_inputs.size() == count) {
    path = entry->first;
    refuse();
  }
  entry->second = std::move(outputs);
}

DynamicInputs Parser::read_dynamic_inputs(std::size_t depth) {
  if (depth > dynamic_input_depth_max) {
    throw Error(Code::limit_exceeded, "outputs of outputs are nested more than " +
                                          std::to_string(dynamic_input_depth_max) + " levels deep")
        .at(position_);
  }
  DynamicInputs inputs;
  expect('[');
  for (bool first = true; next_element(first);) {
    expect('(');
    const std::size_t offset = position_ + 1;
    std::string output(read_string());
    expect(',');
    DynamicInput input = read_dynamic_input(depth);
    expect(')');
    const auto [entry, inserted] = inputs.emplace(std::move(output), std::move(input));
    if (!inserted) fail("output " + quoted(entry->first) + " occurs twice", offset);
  }
  return inputs;
}

DynamicInput Parser::read_dynamic_input(std::size_t depth) {
  const bool nested = next_is('(');
  if (nested) ++position_;
  DynamicInput input{read_names(), {}};
  if (nested) {
    expect(',');
    input.dynamic = read_dynamic_inputs(depth + 1);
    expect(')');
  }
  return input;
}

void Parser::read_input_source() {
  const std::size_t offset = position_ + 1;
  StorePathSet& sources = derivation_.input_sources;
  const std::size_t count = sources.size();
  const auto path = sources.insert(sources.end(), read_path("the input source"));
  if (sources.size() == count) {
    fail("the input source '" + path->base_name() + "' occurs twice", offset);
  }
}

void Parser::read_variable() {
  expect('(');
  const std::size_t offset = position_ + 1;
  std::string name(read_string());
  expect(',');
  auto& environment = derivation_.environment;
  const std::size_t count = environment.size();
  const auto entry = environment.emplace_hint(environment.end(), std::move(name), read_string());
  expect(')');
  if (environment.size() == count) {
    fail("the environment variable " + quoted(entry->first) + " occurs twice", offset);
  }
}

}  // namespace

DerivationOutput parse_derivation_output(const DerivationOutputTexts& texts,
                                         std::string_view output, std::string_view derivation_name,
                                         const StoreDir& store_dir) {
  return OutputParser(texts, output, derivation_name, store_dir).parse();
}

Derivation parse_derivation(std::string_view aterm, std::string_view name,
                            const StoreDir& store_dir) {
  if (aterm.size() > derivation_bytes_max) {
    throw Error(Code::limit_exceeded, "the derivation has " + std::to_string(aterm.size()) +
                                          " bytes, more than the allowed " +
                                          std::to_string(derivation_bytes_max))
        .at(derivation_bytes_max);
  }
  check_store_path_name(name);
  return Parser(aterm, name, store_dir).parse();
}

}  // namespace cinch
