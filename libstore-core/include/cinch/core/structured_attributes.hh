// What a builder is given of structured attributes (the variable `__json` of a derivation): the
// files `.attrs.json` and `.attrs.sh`. Format: docs/formats/structured-attributes.md.
#pragma once

#include <cinch/core/derivation.hh>
#include <cinch/core/export.hh>
#include <cinch/core/references_graph.hh>

#include <map>
#include <optional>
#include <string>

namespace cinch {

struct AttributeFacts {
  // Where the builder is to write each output; also what the outputs' placeholders become.
  std::map<std::string, std::string> outputs;
  // For each key of exportReferencesGraph.
  std::map<std::string, ReferencesGraph> graphs;
};

struct AttributeFiles {
  std::string json;   // .attrs.json: one line, keys sorted, no final newline
  std::string shell;  // .attrs.sh: a declaration a line, for bash
};

// Whether the derivation has structured attributes.
CINCH_CORE_API bool has_structured_attributes(const Derivation& derivation);

// Nothing if it has none. Takes linear time, but for the sizes of the closures in a graph: paths
// times references. Throws Code::invalid_derivation for attributes that are no JSON object;
// Code::limit_exceeded above 64 MiB or 64 levels; Code::invalid_argument for a graph that is not
// closed.
CINCH_CORE_API std::optional<AttributeFiles> print_structured_attributes(
    const Derivation& derivation, const StoreDir& store_dir, const AttributeFacts& facts);

}  // namespace cinch
