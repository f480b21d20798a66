#include "wire/basic_derivation.hh"

#include "wire/values.hh"

#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/error.hh>

#include <utility>

namespace cinch::wire {
namespace {

class Reader {
 public:
  Reader(Decoder& decoder, const Dialect& dialect)
      : decoder_(decoder), dialect_(dialect), start_(decoder.offset()) {}

  Derivation read(const StorePath& path) {
    Derivation derivation;
    derivation.name = path.derivation_name();
    for (std::uint64_t left = count(); left > 0; --left) read_output(derivation);
    for (std::uint64_t left = count(); left > 0; --left) {
      derivation.input_sources.insert(derivation.input_sources.end(),
                                      read_path(decoder_, dialect_));
      check_size();
    }
    derivation.system = text();
    derivation.builder = text();
    for (std::uint64_t left = count(); left > 0; --left) derivation.arguments.push_back(text());
    for (std::uint64_t left = count(); left > 0; --left) {
      std::string name = text();
      add(derivation.environment, "environment variable", std::move(name), text());
    }
    return derivation;
  }

 private:
  std::uint64_t count() { return decoder_.count(list_count_max); }

  // All together may be as long as a derivation's file.
  std::string text() {
    std::string value = decoder_.text(derivation_bytes_max);
    check_size();
    return value;
  }

  void check_size() const {
    if (decoder_.offset() - start_ <= derivation_bytes_max) return;
    throw Error(Code::limit_exceeded, "the derivation is longer than the allowed " +
                                          std::to_string(derivation_bytes_max) + " bytes")
        .at(start_);
  }

  void read_output(Derivation& derivation) {
    const std::uint64_t offset = decoder_.offset();
    std::string name = text();
    const std::string path = text();
    const std::string algorithm = text();
    const std::string hash = text();
    const auto parse = [&] {
      try {
        return parse_derivation_output({.path = path, .algorithm = algorithm, .hash = hash}, name,
                                       derivation.name, dialect_.store_dir);
      } catch (Error& error) {
        throw std::move(error).at(offset);
      }
    };
    DerivationOutput output = parse();
    add(derivation.outputs, "output", std::move(name), std::move(output));
  }

  template <class Value>
  void add(std::map<std::string, Value>& map, std::string_view what, std::string name,
           Value value) const {
    const auto [at, is_new] = map.try_emplace(std::move(name), std::move(value));
    if (is_new) return;
    throw Error(Code::malformed, "the " + std::string(what) + " of a derivation occurs twice")
        .about(at->first)
        .at(decoder_.offset());
  }

  Decoder& decoder_;
  const Dialect& dialect_;
  const std::uint64_t start_;
};

}  // namespace

Derivation read_basic_derivation(Decoder& decoder, const Dialect& dialect, const StorePath& path) {
  return Reader(decoder, dialect).read(path);
}

}  // namespace cinch::wire
