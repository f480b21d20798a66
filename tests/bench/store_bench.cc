// What the benches of the local store time and prepare in one process of their own:
//
//   store-bench ROOT sources CORPUS       objects in place of what the corpus's derivations need;
//                                         prints each derivation and its references, inputs first
//   store-bench ROOT each CORPUS          add the derivations of the corpus, one call each, and
//                                         print how many seconds that took
//   store-bench ROOT batch CORPUS         the same in one call
//   store-bench ROOT derivations NUMBER   add so many derivations that nothing keeps alive
#include "corpus.hh"

#include <cinch/core/derivation.hh>
#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/derivation_hash.hh>
#include <cinch/core/error.hh>
#include <cinch/core/nar.hh>
#include <cinch/local/local_store.hh>

#include <chrono>
#include <iostream>
#include <map>
#include <string>
#include <vector>

namespace {

using namespace cinch;

struct Corpus {
  explicit Corpus(const std::string& folder) {
    for (const auto& [path, text] : test::read_corpus(folder)) {
      derivations.emplace(path, parse_derivation(text, path.derivation_name(), StoreDir()));
    }
  }
  // Inputs first.
  std::vector<StorePath> sorted() const {
    std::vector<StorePath> order;
    StorePathSet done;
    std::vector<StorePath> left;
    for (const auto& [path, derivation] : derivations) {
      left.push_back(path);
      while (!left.empty()) {
        const StorePath next = left.back();
        const std::size_t size = left.size();
        for (const auto& [input, outputs] : derivations.at(next).input_derivations) {
          if (!done.contains(input)) left.push_back(input);
        }
        if (left.size() > size) continue;
        left.pop_back();
        if (done.insert(next).second) order.push_back(next);
      }
    }
    return order;
  }
  std::map<StorePath, Derivation> derivations;
};

void add_sources(Store& store, const Corpus& corpus) {
  StorePathSet sources;
  for (const auto& [path, derivation] : corpus.derivations) {
    sources.insert(derivation.input_sources.begin(), derivation.input_sources.end());
  }
  for (const StorePath& path : sources) {
    StringSink nar(1 << 20);
    NarWriter writer(nar);
    writer.file(path.name().size(), false);
    writer.contents(as_bytes(path.name()));
    writer.leave();
    writer.finish();
    const std::string bytes = nar.take();
    PathInfo info{.path = path, .nar_hash = hash_bytes(HashAlgorithm::sha256, as_bytes(bytes))};
    info.nar_size = bytes.size();
    StringSource source(bytes);
    store.add_nar(info, source, SignaturePolicy::accept_unsigned);
  }
  for (const StorePath& path : corpus.sorted()) {
    std::cout << store.store_dir().print(path);
    for (const StorePath& reference : corpus.derivations.at(path).references()) {
      std::cout << ' ' << store.store_dir().print(reference);
    }
    std::cout << '\n';
  }
}

Derivation small_derivation(std::size_t number, DerivationHasher& hasher) {
  Derivation derivation;
  derivation.name = "dead-" + std::to_string(number);
  derivation.system = "x86_64-linux";
  derivation.builder = "/bin/sh";
  derivation.outputs.emplace("out", DeferredOutput{});
  hasher.fill_in_outputs(derivation);
  return derivation;
}

int run(const std::vector<std::string>& words) {
  const auto store = LocalStore::open({.root = words.at(1)});
  const std::string& what = words.at(2);
  std::vector<Derivation> derivations;
  if (what == "derivations") {
    DerivationHasher hasher(store->store_dir(), {});
    for (std::size_t i = 0; i < std::stoul(words.at(3)); ++i) {
      derivations.push_back(small_derivation(i, hasher));
    }
    store->add_derivations(derivations);
    return 0;
  }
  const Corpus corpus(words.at(3));
  if (what == "sources") {
    add_sources(*store, corpus);
    return 0;
  }
  for (const StorePath& path : corpus.sorted()) {
    derivations.push_back(corpus.derivations.at(path));
  }
  const auto started = std::chrono::steady_clock::now();
  if (what == "batch") {
    store->add_derivations(derivations);
  } else {
    for (const Derivation& derivation : derivations) store->add_derivation(derivation);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  std::cout << took.count() << '\n';
  return 0;
}

}  // namespace

int main(int count, char** arguments) try {
  return run({arguments, arguments + count});
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
