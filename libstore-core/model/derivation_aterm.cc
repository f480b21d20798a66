// Format: docs/formats/derivation.md. The parser is one pass over the text without recursion; the
// nesting is fixed by the format.
#include "derivation_writer.hh"

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
  void expect(std::string_view token);
  // After '[' or an element of a list: moves to the next element, or past the final ']'.
  bool next_element(bool& first);
  // The value is lent: until the next call, or for as long as the text lives.
  std::string_view read_string();
  std::string_view unescape(std::size_t start, std::size_t backslash);
  StorePath read_path(std::string_view what);
  void read_head();
  void read_output();
  DerivationOutput make_output(std::string_view output, std::string_view path,
                               std::string_view algorithm, std::string_view hash,
                               std::size_t offset) const;
  DerivationOutput make_fixed_output(std::string_view output, std::string_view path,
                                     std::string_view algorithm, std::string_view hash,
                                     std::size_t offset) const;
  StorePath parse_path(std::string_view what, std::string_view path, std::size_t offset) const;
  void read_input_derivation();
  void read_input_source();
  void read_variable();

  std::string_view text_;
  const StoreDir& store_dir_;
  std::size_t position_ = 0;
  std::string scratch_;
  Derivation derivation_;
};

Derivation Parser::parse() {
  read_head();
  expect("[");
  for (bool first = true; next_element(first);) read_output();
  expect(",[");
  for (bool first = true; next_element(first);) read_input_derivation();
  expect(",[");
  for (bool first = true; next_element(first);) read_input_source();
  expect(",");
  derivation_.system = read_string();
  expect(",");
  derivation_.builder = read_string();
  expect(",[");
  for (bool first = true; next_element(first);) derivation_.arguments.emplace_back(read_string());
  expect(",[");
  for (bool first = true; next_element(first);) read_variable();
  expect(")");
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
  throw Error(Code::not_supported,
              "derivations in format " + quoted(read_string()) + " are not supported")
      .at(versioned.size())
      .hint("dynamic derivations are an experiment of newer versions of Nix");
}

void Parser::expect(std::string_view token) {
  for (const char character : token) {
    if (position_ == text_.size()) fail("the derivation ends in the middle", position_);
    if (text_[position_] != character) {
      fail("expected '" + std::string(1, character) + "'", position_);
    }
    ++position_;
  }
}

bool Parser::next_element(bool& first) {
  if (position_ < text_.size() && text_[position_] == ']') {
    ++position_;
    return false;
  }
  if (!first) expect(",");
  first = false;
  return true;
}

std::string_view Parser::read_string() {
  expect("\"");
  const std::size_t start = position_;
  for (std::size_t at = start; at < text_.size(); ++at) {
    if (text_[at] == '\\') return unescape(start, at);
    if (text_[at] == '"') {
      position_ = at + 1;
      return text_.substr(start, at - start);
    }
  }
  fail("the string that begins here does not end", start - 1);
}

std::string_view Parser::unescape(std::size_t start, std::size_t backslash) {
  scratch_.assign(text_, start, backslash - start);
  std::size_t run = backslash;  // what follows here is copied as it is, up to the next escape
  for (std::size_t at = backslash; at < text_.size(); ++at) {
    if (text_[at] == '"') {
      scratch_.append(text_, run, at - run);
      position_ = at + 1;
      return scratch_;
    }
    if (text_[at] != '\\') continue;
    scratch_.append(text_, run, at - run);
    if (++at == text_.size()) break;
    switch (text_[at]) {
      case 'n':
        scratch_ += '\n';
        break;
      case 'r':
        scratch_ += '\r';
        break;
      case 't':
        scratch_ += '\t';
        break;
      default:
        scratch_ += text_[at];
    }
    run = at + 1;
  }
  fail("the string that begins here does not end", start - 1);
}

StorePath Parser::parse_path(std::string_view what, std::string_view path,
                             std::size_t offset) const {
  try {
    return store_dir_.parse(path);
  } catch (const Error& error) {
    fail(std::string(what) + " " + quoted(path) + " is not a store path: " + error.message(),
         offset);
  }
}

StorePath Parser::read_path(std::string_view what) {
  const std::size_t offset = position_ + 1;
  return parse_path(what, read_string(), offset);
}

void Parser::read_output() {
  expect("(");
  const std::size_t offset = position_ + 1;
  const std::string output(read_string());
  expect(",");
  const std::size_t path_offset = position_ + 1;
  const std::string path(read_string());
  expect(",");
  const std::size_t algorithm_offset = position_ + 1;
  const std::string algorithm(read_string());
  expect(",");
  const std::string_view hash = read_string();
  const std::size_t blame = algorithm.empty() ? path_offset : algorithm_offset;
  DerivationOutput value = make_output(output, path, algorithm, hash, blame);
  expect(")");
  if (!derivation_.outputs.emplace(output, std::move(value)).second) {
    fail("derivation output " + quoted(output) + " occurs twice", offset);
  }
}

DerivationOutput Parser::make_output(std::string_view output, std::string_view path,
                                     std::string_view algorithm, std::string_view hash,
                                     std::size_t offset) const {
  const std::string subject = "derivation output " + quoted(output);
  if (algorithm.empty() && hash.empty()) {
    if (path.empty()) return DeferredOutput{};
    return InputAddressedOutput{parse_path("the path of " + subject, path, offset)};
  }
  if (algorithm.empty()) fail(subject + " has a hash but no hash algorithm", offset);
  if (hash == "impure") {
    throw Error(Code::not_supported, subject + " is impure; this is not supported").at(offset);
  }
  if (hash.empty() && !path.empty()) fail(subject + " has a hash algorithm but no hash", offset);
  if (hash.empty()) {
    throw Error(Code::not_supported,
                subject + " is content-addressed without a known hash; this is not supported")
        .at(offset);
  }
  return make_fixed_output(output, path, algorithm, hash, offset);
}

DerivationOutput Parser::make_fixed_output(std::string_view output, std::string_view path,
                                           std::string_view algorithm, std::string_view hash,
                                           std::size_t offset) const {
  const std::string subject = "derivation output " + quoted(output);
  const std::size_t colon = algorithm.find(':');
  std::string_view prefix;
  if (colon != std::string_view::npos) {
    prefix = algorithm.substr(0, colon + 1);
    algorithm.remove_prefix(colon + 1);
  }
  ContentAddressMethod method = ContentAddressMethod::flat;
  if (prefix == "r:") {
    method = ContentAddressMethod::nar;
  } else if (prefix == "text:") {
    method = ContentAddressMethod::text;
  } else if (prefix == "git:") {
    throw Error(Code::not_supported, subject + " is hashed as a git object; this is not supported")
        .at(offset);
  } else if (!prefix.empty()) {
    fail(subject + " has an unknown content-addressing method " + quoted(prefix), offset);
  }
  const auto parse_address = [&] {
    try {
      return ContentAddress{method, Hash::parse_digest(hash, parse_hash_algorithm(algorithm))};
    } catch (const Error& error) {
      fail(subject + " has a bad hash: " + error.message(), offset);
    }
  };
  const FixedOutput result{parse_address()};
  const auto compute_path = [&] {
    try {
      return fixed_output_path(store_dir_, derivation_.name, output, result);
    } catch (Error& error) {
      throw std::move(error).at(offset);
    }
  };
  const StorePath computed = compute_path();
  if (path != store_dir_.print(computed)) {
    throw Error(Code::invalid_derivation, subject + " has the path " + quoted(path) +
                                              " but its hash gives '" + store_dir_.print(computed) +
                                              "'")
        .at(offset);
  }
  return result;
}

void Parser::read_input_derivation() {
  expect("(");
  const std::size_t offset = position_ + 1;
  StorePath path = read_path("the input derivation");
  expect(",[");
  OutputNames outputs;
  for (bool first = true; next_element(first);) {
    const std::size_t output_offset = position_ + 1;
    const std::string_view output = read_string();
    if (!outputs.emplace(output).second) {
      fail("output " + quoted(output) + " of an input derivation occurs twice", output_offset);
    }
  }
  expect(")");
  const auto [entry, inserted] =
      derivation_.input_derivations.emplace(std::move(path), std::move(outputs));
  if (!inserted) {
    fail("the input derivation '" + entry->first.base_name() + "' occurs twice", offset);
  }
}

void Parser::read_input_source() {
  const std::size_t offset = position_ + 1;
  const auto [path, inserted] = derivation_.input_sources.insert(read_path("the input source"));
  if (!inserted) fail("the input source '" + path->base_name() + "' occurs twice", offset);
}

void Parser::read_variable() {
  expect("(");
  const std::size_t offset = position_ + 1;
  std::string name(read_string());
  expect(",");
  const auto [entry, inserted] = derivation_.environment.emplace(std::move(name), read_string());
  expect(")");
  if (!inserted) {
    fail("the environment variable " + quoted(entry->first) + " occurs twice", offset);
  }
}

// --- writing ---

void append_escaped(std::string& text, std::string_view value) {
  std::size_t run = 0;
  for (std::size_t at = 0; at < value.size(); ++at) {
    char escape = 0;
    switch (value[at]) {
      case '"':
      case '\\':
        escape = value[at];
        break;
      case '\n':
        escape = 'n';
        break;
      case '\r':
        escape = 'r';
        break;
      case '\t':
        escape = 't';
        break;
      default:
        continue;
    }
    text.append(value, run, at - run);
    text += '\\';
    text += escape;
    run = at + 1;
  }
  text.append(value, run);
}

void append_string(std::string& text, std::string_view value) {
  text += '"';
  append_escaped(text, value);
  text += '"';
}

// `[a,b,c]` of any range.
template <class Range, class Append>
void append_list(std::string& text, const Range& range, Append append) {
  text += '[';
  bool first = true;
  for (const auto& element : range) {
    if (!first) text += ',';
    first = false;
    append(element);
  }
  text += ']';
}

void append_output(std::string& text, const Derivation& derivation, const StoreDir& store_dir,
                   const std::string& name, OutputFields fields) {
  const DerivationOutput& output = derivation.outputs.at(name);
  std::string path;
  std::string algorithm;
  std::string hash;
  if (fields == OutputFields::printed) {
    if (const auto known = derivation.output_path(store_dir, name)) path = store_dir.print(*known);
    if (const auto* fixed = std::get_if<FixedOutput>(&output)) {
      algorithm = method_prefix(fixed->address.method);
      algorithm += to_string(fixed->address.hash.algorithm());
      hash = fixed->address.hash.digest_text(HashFormat::base16);
    }
  }
  text += '(';
  append_string(text, name);
  for (const std::string& field : {path, algorithm, hash}) {
    text += ',';
    append_string(text, field);
  }
  text += ')';
}

std::size_t estimate_size(const Derivation& derivation, const StoreDir& store_dir) {
  const std::size_t path_bytes = store_dir.text().size() + 64;
  std::size_t total = 256 + derivation.builder.size();
  total += (derivation.outputs.size() + derivation.input_sources.size()) * path_bytes;
  total += derivation.input_derivations.size() * (path_bytes + 16);
  for (const std::string& argument : derivation.arguments) total += argument.size() + 8;
  for (const auto& [name, value] : derivation.environment) total += name.size() + value.size() + 16;
  return total + total / 16;  // some room for escapes
}

}  // namespace

std::string write_derivation(const Derivation& derivation, const StoreDir& store_dir,
                             const InputTexts& inputs, OutputFields fields) {
  std::string text;
  text.reserve(estimate_size(derivation, store_dir));
  text += "Derive(";
  append_list(text, derivation.outputs, [&](const auto& output) {
    append_output(text, derivation, store_dir, output.first, fields);
  });
  text += ',';
  append_list(text, inputs, [&](const auto& input) {
    text += '(';
    append_string(text, input.first);
    text += ',';
    append_list(text, input.second,
                [&](const std::string& output) { append_string(text, output); });
    text += ')';
  });
  text += ',';
  append_list(text, derivation.input_sources,
              [&](const StorePath& path) { append_string(text, store_dir.print(path)); });
  text += ',';
  append_string(text, derivation.system);
  text += ',';
  append_string(text, derivation.builder);
  text += ',';
  append_list(text, derivation.arguments,
              [&](const std::string& argument) { append_string(text, argument); });
  text += ',';
  append_list(text, derivation.environment, [&](const auto& variable) {
    const bool hidden =
        fields == OutputFields::masked && derivation.outputs.contains(variable.first);
    text += '(';
    append_string(text, variable.first);
    text += ',';
    append_string(text, hidden ? std::string_view() : std::string_view(variable.second));
    text += ')';
  });
  text += ')';
  return text;
}

Derivation parse_derivation(std::string_view aterm, std::string_view name,
                            const StoreDir& store_dir) {
  if (aterm.size() > derivation_bytes_max) {
    throw Error(Code::limit_exceeded, "the derivation has " + std::to_string(aterm.size()) +
                                          " bytes, more than the allowed " +
                                          std::to_string(derivation_bytes_max));
  }
  check_store_path_name(name);
  return Parser(aterm, name, store_dir).parse();
}

std::string print_derivation(const Derivation& derivation, const StoreDir& store_dir) {
  InputTexts inputs;
  for (const auto& [path, outputs] : derivation.input_derivations) {
    inputs.emplace(store_dir.print(path), outputs);
  }
  return write_derivation(derivation, store_dir, inputs, OutputFields::printed);
}

}  // namespace cinch
