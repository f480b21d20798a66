// 851 real derivations: the closures of hello, firefox, gimp, libreoffice and emacs. Each says by
// its file name which path its text must give, and the output paths inside follow from the others.
#include "catch.hh"
#include "corpus.hh"

#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/derivation_hash.hh>
#include <cinch/core/derivation_json.hh>

#include <iostream>
#include <map>

namespace cinch {

namespace {

const StoreDir store_dir;

}  // namespace

TEST_CASE("real derivations") {
  const auto texts = test::read_corpus(*test::find_corpus());
  REQUIRE(texts.size() == test::corpus_derivations);
  std::map<StorePath, Derivation> derivations;
  for (const auto& [path, text] : texts) {
    CAPTURE(path.base_name());
    const Derivation derivation = parse_derivation(text, path.derivation_name(), store_dir);
    REQUIRE(print_derivation(derivation, store_dir) == text);
    REQUIRE(derivation_path(store_dir, derivation) == path);
    REQUIRE_NOTHROW(check_derivation(derivation));
    derivations.emplace(path, derivation);
  }

  DerivationHasher hasher(store_dir, [&](const StorePath& path) { return derivations.at(path); });
  std::size_t outputs = 0;
  std::size_t fixed = 0;
  for (const auto& [path, derivation] : derivations) {
    CAPTURE(path.base_name());
    REQUIRE_NOTHROW(hasher.check_outputs(derivation));
    outputs += derivation.outputs.size();
    fixed += derivation.is_fixed() ? 1U : 0U;
  }
  std::cout << "paths, texts and outputs agree: " << derivations.size() << " derivations, "
            << outputs << " outputs, " << fixed << " of them fixed" << std::endl;

  // What is taken away can be computed again.
  for (auto& [path, derivation] : derivations) {
    if (derivation.is_fixed()) continue;
    Derivation stripped = derivation;
    for (auto& [name, output] : stripped.outputs) {
      output = DeferredOutput{};
      stripped.environment.at(name).clear();
    }
    hasher.fill_in_outputs(stripped);
    REQUIRE(stripped == derivation);
  }
}

TEST_CASE("real derivations as JSON") {
  const auto texts = test::read_corpus(*test::find_corpus());
  std::map<StorePath, Derivation> derivations;
  for (const auto& [path, text] : texts) {
    derivations.emplace(path, parse_derivation(text, path.derivation_name(), store_dir));
  }
  const std::string json = print_derivations_json(derivations, store_dir);
  CHECK(parse_derivations_json(json, store_dir) == derivations);
}

}  // namespace cinch
