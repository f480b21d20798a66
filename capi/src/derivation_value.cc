#include "derivation_value.hh"

#include "convert.hh"

#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/derivation_json.hh>
#include <cinch/core/derivation_options.hh>

#include <variant>

using cinch::Derivation;
using cinch::StoreDir;
using cinch::StorePath;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::lend;
using cinch::capi::number_of;
using cinch::capi::view;

namespace {

// The facts of an output, whatever its kind.
struct OutputFacts {
  using Output = cinch_derivation::Output;
  Output operator()(const cinch::InputAddressedOutput&) const {
    return {.kind = CINCH_OUTPUT_INPUT_ADDRESSED};
  }
  Output operator()(const cinch::FixedOutput& output) const {
    return {.kind = CINCH_OUTPUT_FIXED, .address = cinch_content_address(output.address)};
  }
  Output operator()(const cinch::DeferredOutput&) const { return {.kind = CINCH_OUTPUT_DEFERRED}; }
  Output operator()(const cinch::FloatingOutput& output) const {
    return {.kind = CINCH_OUTPUT_FLOATING,
            .method = number_of(output.method),
            .algorithm = static_cast<std::uint32_t>(output.algorithm)};
  }
  Output operator()(const cinch::ImpureOutput& output) const {
    return {.kind = CINCH_OUTPUT_IMPURE,
            .method = number_of(output.method),
            .algorithm = static_cast<std::uint32_t>(output.algorithm)};
  }
};

const cinch_derivation::Output* output_at(const cinch_derivation* derivation, size_t index) {
  const auto& outputs = derivation->output_facts;
  return index < outputs.size() ? &outputs[index] : nullptr;
}

}  // namespace

cinch_derivation::cinch_derivation(StoreDir directory, Derivation value)
    : store_dir(std::move(directory)), derivation(std::move(value)) {
  refresh();
}

cinch_derivation::cinch_derivation(const cinch_derivation& other)
    : cinch_derivation(other.store_dir, other.derivation) {}

void cinch_derivation::refresh() {
  variables.clear();
  for (const auto& [name, value] : derivation.environment) {
    variables.push_back({lend(name), lend(value)});
  }
  sources.clear();
  for (const StorePath& path : derivation.input_sources) sources.emplace_back(store_dir, path);
  std::map<StorePath, cinch::OutputNames> wanted = derivation.input_derivations;
  for (const auto& [path, dynamic] : derivation.dynamic_inputs) wanted[path];
  inputs.clear();
  for (const auto& [path, names] : wanted) {
    inputs.push_back({cinch_path(store_dir, path), {names.begin(), names.end()}});
  }
  outputs = cinch_outputs(store_dir, derivation.output_paths(store_dir));
  output_facts.clear();
  for (const auto& [name, output] : derivation.outputs) {
    output_facts.push_back(std::visit(OutputFacts(), output));
  }
}

extern "C" {

cinch_error* cinch_derivation_parse_aterm(cinch_str store_dir, cinch_str name, cinch_str aterm,
                                          cinch_derivation** derivation_out) noexcept {
  return guarded([&] {
    cinch_derivation*& out = deref(derivation_out, "derivation_out");
    const StoreDir directory(view(store_dir));
    out = new cinch_derivation(directory,
                               cinch::parse_derivation(view(aterm), view(name), directory));
  });
}

cinch_error* cinch_derivation_parse_json(cinch_str store_dir, cinch_str json,
                                         cinch_derivation** derivation_out) noexcept {
  return guarded([&] {
    cinch_derivation*& out = deref(derivation_out, "derivation_out");
    const StoreDir directory(view(store_dir));
    out = new cinch_derivation(directory, cinch::parse_derivation_json(view(json), directory));
  });
}

cinch_error* cinch_derivation_clone(const cinch_derivation* derivation,
                                    cinch_derivation** derivation_out) noexcept {
  return guarded([&] {
    cinch_derivation*& out = deref(derivation_out, "derivation_out");
    out = new cinch_derivation(deref(derivation, "derivation"));
  });
}

cinch_error* cinch_derivation_print_aterm(const cinch_derivation* derivation,
                                          cinch_text** aterm_out) noexcept {
  return guarded([&] {
    cinch_text*& out = deref(aterm_out, "aterm_out");
    const cinch_derivation& handle = deref(derivation, "derivation");
    out = new cinch_text{cinch::print_derivation(handle.derivation, handle.store_dir)};
  });
}

cinch_error* cinch_derivation_print_json(const cinch_derivation* derivation,
                                         cinch_text** json_out) noexcept {
  return guarded([&] {
    cinch_text*& out = deref(json_out, "json_out");
    const cinch_derivation& handle = deref(derivation, "derivation");
    out = new cinch_text{cinch::print_derivation_json(handle.derivation, handle.store_dir)};
  });
}

cinch_error* cinch_derivation_print_options_json(const cinch_derivation* derivation,
                                                 cinch_text** json_out) noexcept {
  return guarded([&] {
    cinch_text*& out = deref(json_out, "json_out");
    const cinch_derivation& handle = deref(derivation, "derivation");
    out = new cinch_text{cinch::print_derivation_options_json(
        cinch::read_derivation_options(handle.derivation, handle.store_dir))};
  });
}

cinch_error* cinch_derivation_check(const cinch_derivation* derivation) noexcept {
  return guarded([&] { cinch::check_derivation(deref(derivation, "derivation").derivation); });
}

cinch_error* cinch_derivation_path(const cinch_derivation* derivation,
                                   cinch_path** path_out) noexcept {
  return guarded([&] {
    cinch_path*& out = deref(path_out, "path_out");
    const cinch_derivation& handle = deref(derivation, "derivation");
    out = new cinch_path(handle.store_dir,
                         cinch::derivation_path(handle.store_dir, handle.derivation));
  });
}

cinch_str cinch_derivation_name(const cinch_derivation* derivation) noexcept {
  return lend(derivation->derivation.name);
}

cinch_str cinch_derivation_system(const cinch_derivation* derivation) noexcept {
  return lend(derivation->derivation.system);
}

cinch_str cinch_derivation_builder(const cinch_derivation* derivation) noexcept {
  return lend(derivation->derivation.builder);
}

size_t cinch_derivation_arguments_count(const cinch_derivation* derivation) noexcept {
  return derivation->derivation.arguments.size();
}

cinch_str cinch_derivation_argument_at(const cinch_derivation* derivation, size_t index) noexcept {
  return cinch::capi::lend_at(derivation->derivation.arguments, index);
}

size_t cinch_derivation_variables_count(const cinch_derivation* derivation) noexcept {
  return derivation->variables.size();
}

cinch_variable cinch_derivation_variable_at(const cinch_derivation* derivation,
                                            size_t index) noexcept {
  return cinch::capi::variable_at(derivation->variables, index);
}

size_t cinch_derivation_sources_count(const cinch_derivation* derivation) noexcept {
  return derivation->sources.size();
}

const cinch_path* cinch_derivation_source_at(const cinch_derivation* derivation,
                                             size_t index) noexcept {
  return index < derivation->sources.size() ? &derivation->sources[index] : nullptr;
}

size_t cinch_derivation_inputs_count(const cinch_derivation* derivation) noexcept {
  return derivation->inputs.size();
}

const cinch_path* cinch_derivation_input_at(const cinch_derivation* derivation,
                                            size_t index) noexcept {
  return index < derivation->inputs.size() ? &derivation->inputs[index].path : nullptr;
}

size_t cinch_derivation_input_outputs_count(const cinch_derivation* derivation,
                                            size_t index) noexcept {
  return index < derivation->inputs.size() ? derivation->inputs[index].outputs.size() : 0;
}

cinch_str cinch_derivation_input_output_at(const cinch_derivation* derivation, size_t index,
                                           size_t output_index) noexcept {
  if (index >= derivation->inputs.size()) return lend("");
  return cinch::capi::lend_at(derivation->inputs[index].outputs, output_index);
}

const cinch_outputs* cinch_derivation_outputs(const cinch_derivation* derivation) noexcept {
  return &derivation->outputs;
}

uint32_t cinch_derivation_output_kind_at(const cinch_derivation* derivation,
                                         size_t index) noexcept {
  const auto* output = output_at(derivation, index);
  return output != nullptr ? output->kind : 0;
}

const cinch_content_address* cinch_derivation_output_address_at(const cinch_derivation* derivation,
                                                                size_t index) noexcept {
  const auto* output = output_at(derivation, index);
  return output != nullptr && output->address ? &*output->address : nullptr;
}

uint32_t cinch_derivation_output_method_at(const cinch_derivation* derivation,
                                           size_t index) noexcept {
  const auto* output = output_at(derivation, index);
  return output != nullptr ? output->method : 0;
}

uint32_t cinch_derivation_output_algorithm_at(const cinch_derivation* derivation,
                                              size_t index) noexcept {
  const auto* output = output_at(derivation, index);
  return output != nullptr ? output->algorithm : 0;
}

void cinch_derivation_free(cinch_derivation* derivation) noexcept { delete derivation; }

}  // extern "C"
