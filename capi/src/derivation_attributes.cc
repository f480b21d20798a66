#include "convert.hh"
#include "derivation_value.hh"

#include <cinch/core/error.hh>
#include <cinch/core/structured_attributes.hh>

#include <memory>
#include <optional>

using cinch::Code;
using cinch::Error;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::view;

namespace {

cinch::ReferencesGraph read_graph(const cinch_references_graph& graph) {
  cinch::ReferencesGraph objects;
  for (std::size_t i = 0; i < graph.objects_count; ++i) {
    const cinch::PathInfo& info = deref(graph.objects[i], "graphs.objects").info;
    objects.insert_or_assign(info.path, info);
  }
  return objects;
}

cinch::AttributeFacts read_facts(const cinch_variable* outputs, std::size_t outputs_count,
                                 const cinch_references_graph* graphs, std::size_t graphs_count) {
  if ((outputs == nullptr && outputs_count > 0) || (graphs == nullptr && graphs_count > 0)) {
    throw Error(Code::invalid_argument, "an array is NULL although its count is not 0");
  }
  cinch::AttributeFacts facts;
  for (std::size_t i = 0; i < outputs_count; ++i) {
    facts.outputs.emplace(view(outputs[i].name), view(outputs[i].value));
  }
  for (std::size_t i = 0; i < graphs_count; ++i) {
    facts.graphs.emplace(view(graphs[i].attribute), read_graph(graphs[i]));
  }
  return facts;
}

}  // namespace

extern "C" {

cinch_error* cinch_derivation_print_attributes(const cinch_derivation* derivation,
                                               const cinch_variable* outputs, size_t outputs_count,
                                               const cinch_references_graph* graphs,
                                               size_t graphs_count, cinch_text** json_out,
                                               cinch_text** shell_out) noexcept {
  return guarded([&] {
    cinch_text*& json = deref(json_out, "json_out");
    cinch_text*& shell = deref(shell_out, "shell_out");
    const cinch_derivation& handle = deref(derivation, "derivation");
    std::optional<cinch::AttributeFiles> files = cinch::print_structured_attributes(
        handle.derivation, handle.store_dir,
        read_facts(outputs, outputs_count, graphs, graphs_count));
    if (!files) {
      json = shell = nullptr;
      return;
    }
    auto first = std::make_unique<cinch_text>(cinch_text{std::move(files->json)});
    shell = new cinch_text{std::move(files->shell)};
    json = first.release();
  });
}

}  // extern "C"
