// Format: docs/formats/derivation-options.md.
#include <cinch/core/closure.hh>
#include <cinch/core/error.hh>
#include <cinch/core/references_graph.hh>
#include <cinch/core/validity_registration.hh>

#include <utility>
#include <vector>

namespace cinch {

namespace {

StorePathSet outputs_of(Store& store, const ReferencesGraph& graph) {
  std::vector<StorePath> derivations;
  for (const auto& [path, info] : graph) {
    if (path.is_derivation()) derivations.push_back(path);
  }
  StorePathSet outputs;
  std::size_t position = 0;
  for (const Derivation& derivation : store.read_derivations(derivations)) {
    const StorePath& path = derivations[position++];
    for (auto& [name, output] : derivation.output_paths(store.store_dir())) {
      if (!output) {
        throw Error(Code::not_supported, "a references graph cannot have the derivation '" +
                                             store.store_dir().print(path) +
                                             "': the path of its output '" + name +
                                             "' is not known before it is built")
            .about(store.store_dir().print(path));
      }
      outputs.insert(*output);
    }
  }
  return outputs;
}

}  // namespace

ReferencesGraph compute_references_graph(Store& store, const StorePathSet& roots,
                                         const StorePathSet& inputs) {
  for (const StorePath& root : roots) {
    if (inputs.contains(root)) continue;
    const std::string printed = store.store_dir().print(root);
    throw Error(Code::invalid_derivation, "the references of '" + printed +
                                              "' cannot be told to the builder, because it is not "
                                              "in the closure of the derivation's inputs")
        .about(printed);
  }
  ReferencesGraph graph = compute_closure(store, roots);
  graph.merge(compute_closure(store, outputs_of(store, graph)));
  return graph;
}

std::string print_references_graph(const ReferencesGraph& graph, const StoreDir& store_dir) {
  std::string text;
  for (const auto& [path, info] : graph) {
    text += print_registration({.path = path, .references = info.references}, store_dir);
  }
  return text;
}

}  // namespace cinch
