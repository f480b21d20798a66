#include "topological_sort.hh"

#include <cinch/core/derivation_graph.hh>
#include <cinch/core/derivation_hash.hh>
#include <cinch/core/error.hh>

#include <algorithm>
#include <utility>

namespace cinch {

namespace {

// Whether the path of an output, or the variable that tells it to the builder, is still to be
// computed.
bool is_incomplete(const Derivation& derivation) {
  return std::any_of(derivation.outputs.begin(), derivation.outputs.end(), [&](const auto& output) {
    const auto variable = derivation.environment.find(output.first);
    const bool told = variable != derivation.environment.end() && !variable->second.empty();
    return std::holds_alternative<DeferredOutput>(output.second) ||
           (std::holds_alternative<FixedOutput>(output.second) && !told);
  });
}

// `is_impure` says so of an input.
template <class IsImpure>
void check_inputs_pure(const StoreDir& store_dir, const StorePath& path,
                       const Derivation& derivation, IsImpure is_impure) {
  if (derivation.may_need_impure()) return;
  const auto check = [&](const StorePath& input) {
    if (is_impure(input)) throw impure_input_error(store_dir, path, input);
  };
  for (const auto& [input, outputs] : derivation.input_derivations) check(input);
  for (const auto& [input, outputs] : derivation.dynamic_inputs) check(input);
}

// Completes derivations one after the other, inputs first.
class GraphCompleter {
 public:
  explicit GraphCompleter(Store& store)
      : store_(store),
        hasher_(store.store_dir(), [this](const StorePath& path) { return read(path); }) {}

  AddedDerivation complete(const StorePath& listed, Derivation derivation) {
    const bool renamed = rename_inputs(derivation);
    const bool must_match = !renamed && !is_incomplete(derivation);
    check_derivation(derivation);
    if (is_incomplete(derivation)) hasher_.fill_in_outputs(derivation);
    StorePath path = derivation_path(store_.store_dir(), derivation);
    if (must_match && path != listed) {
      throw Error(Code::invalid_derivation,
                  "the derivation is listed under the wrong path: its path is '" +
                      store_.store_dir().print(path) + "'");
    }
    check_inputs_pure(store_.store_dir(), path, derivation, [&](const StorePath& input) {
      const auto found = position_.find(input);
      return found != position_.end() ? completed_[found->second].is_impure()
                                      : store_.read_derivation(input).is_impure();
    });
    position_.emplace(path, completed_.size());
    real_paths_.emplace(listed, path);
    completed_.push_back(std::move(derivation));
    return {listed, std::move(path)};
  }

  void add_all() { store_.add_derivations(completed_); }

 private:
  Derivation read(const StorePath& path) {
    const auto found = position_.find(path);
    return found != position_.end() ? completed_[found->second] : store_.read_derivation(path);
  }

  // Whether an input's real path differs from the one that it is listed under.
  bool rename_inputs(Derivation& derivation) const {
    std::map<StorePath, OutputNames> inputs;
    for (const auto& [input, outputs] : derivation.input_derivations) {
      inputs[real_path(input)].insert(outputs.begin(), outputs.end());
    }
    std::map<StorePath, DynamicInputs> dynamic;
    for (const auto& [input, outputs] : derivation.dynamic_inputs) {
      if (!dynamic.emplace(real_path(input), outputs).second) {
        throw Error(Code::invalid_derivation,
                    "two inputs of which outputs of outputs are wanted are one derivation")
            .about(input.base_name());
      }
    }
    if (inputs == derivation.input_derivations && dynamic == derivation.dynamic_inputs) {
      return false;
    }
    derivation.input_derivations = std::move(inputs);
    derivation.dynamic_inputs = std::move(dynamic);
    return true;
  }

  const StorePath& real_path(const StorePath& listed) const {
    const auto real = real_paths_.find(listed);
    return real == real_paths_.end() ? listed : real->second;
  }

  Store& store_;
  DerivationHasher hasher_;
  std::vector<Derivation> completed_;
  std::map<StorePath, std::size_t> position_;  // in completed_, by real path
  std::map<StorePath, StorePath> real_paths_;  // by listed path
};

std::vector<StorePath> inputs_first(const std::map<StorePath, Derivation>& graph) {
  std::map<StorePath, StorePathSet> inputs;
  for (const auto& [path, derivation] : graph) inputs.emplace(path, derivation.references());
  try {
    return topological_order(
        inputs, [](const StorePathSet& paths) -> const StorePathSet& { return paths; });
  } catch (const Error& error) {
    throw Error(Code::invalid_derivation, "the derivation depends on itself")
        .about(error.subject());
  }
}

}  // namespace

StorePath add_incomplete_derivation(Store& store, Derivation derivation) {
  check_derivation(derivation);
  if (is_incomplete(derivation)) {
    DerivationHasher hasher(store.store_dir(),
                            [&](const StorePath& path) { return store.read_derivation(path); });
    hasher.fill_in_outputs(derivation);
  }
  check_inputs_pure(
      store.store_dir(), derivation_path(store.store_dir(), derivation), derivation,
      [&](const StorePath& input) { return store.read_derivation(input).is_impure(); });
  return store.add_derivation(derivation);
}

Error impure_input_error(const StoreDir& store_dir, const StorePath& derivation,
                         const StorePath& input) {
  return Error(Code::invalid_derivation, "the pure derivation '" + store_dir.print(derivation) +
                                             "' depends on the impure derivation '" +
                                             store_dir.print(input) + "'")
      .about(store_dir.print(input))
      .hint("make it impure too, or give it a fixed output");
}

std::vector<AddedDerivation> add_incomplete_derivations(
    Store& store, const std::map<StorePath, Derivation>& graph) {
  GraphCompleter completer(store);
  std::vector<AddedDerivation> added;
  for (const StorePath& listed : inputs_first(graph)) {
    try {
      added.push_back(completer.complete(listed, graph.at(listed)));
    } catch (Error& error) {
      error.add_context("adding derivation '" + store.store_dir().print(listed) + "'");
      throw;
    }
  }
  completer.add_all();
  return added;
}

}  // namespace cinch
