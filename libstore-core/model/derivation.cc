#include "derivation_writer.hh"

#include <cinch/core/derivation.hh>
#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/error.hh>
#include <cinch/core/hash.hh>

#include <algorithm>
#include <utility>

namespace cinch {

namespace {

const FixedOutput* as_fixed(const DerivationOutput& output) {
  return std::get_if<FixedOutput>(&output);
}

const char* kind_of(const DerivationOutput& output) {
  constexpr const char* kinds[] = {"input-addressed", "fixed", "deferred", "floating", "impure"};
  return kinds[output.index()];
}

std::optional<StorePath> path_of(const StoreDir& store_dir, std::string_view derivation_name,
                                 std::string_view name, const DerivationOutput& output) {
  if (const auto* known = std::get_if<InputAddressedOutput>(&output)) return known->path;
  if (const auto* fixed = as_fixed(output)) {
    return fixed_output_path(store_dir, derivation_name, name, *fixed);
  }
  return std::nullopt;
}

[[noreturn]] void refuse(std::string message, std::string output) {
  throw Error(Code::invalid_derivation, std::move(message)).about(std::move(output));
}

void check_output_name(const Derivation& derivation, const std::string& output) {
  try {
    check_store_path_name(output);
    check_store_path_name(output_path_name(derivation.name, output));
  } catch (const Error& error) {
    refuse("derivation '" + derivation.name + "' has an output with a bad name: " + error.message(),
           output);
  }
}

void check_method(const std::string& output, ContentAddressMethod method, HashAlgorithm algorithm) {
  if (method == ContentAddressMethod::text && algorithm != HashAlgorithm::sha256) {
    refuse("an output of method 'text' must have a sha256 hash", output);
  }
  if (method == ContentAddressMethod::git && algorithm != HashAlgorithm::sha1 &&
      algorithm != HashAlgorithm::sha256) {
    refuse("an output of method 'git' must have a sha1 or sha256 hash", output);
  }
}

void check_kind(const Derivation& derivation, const std::string& output,
                const DerivationOutput& value) {
  const DerivationOutput& first = derivation.outputs.begin()->second;
  if (value.index() != first.index()) {
    refuse("derivation '" + derivation.name + "' has outputs of different kinds: '" +
               derivation.outputs.begin()->first + "' is " + kind_of(first) + ", '" + output +
               "' is " + kind_of(value),
           output);
  }
  if (const auto* fixed = as_fixed(value)) {
    if (derivation.outputs.size() != 1) {
      refuse("a fixed output must be the only output of its derivation", output);
    }
    if (output != "out") refuse("a fixed output must be called 'out'", output);
    check_method(output, fixed->address.method, fixed->address.hash.algorithm());
  } else if (const auto* floating = std::get_if<FloatingOutput>(&value)) {
    if (floating->algorithm != std::get<FloatingOutput>(first).algorithm) {
      refuse("floating outputs of one derivation must have one hash algorithm", output);
    }
    check_method(output, floating->method, floating->algorithm);
  } else if (const auto* impure = std::get_if<ImpureOutput>(&value)) {
    check_method(output, impure->method, impure->algorithm);
  }
}

[[noreturn]] void refuse_input(const StorePath& path, const char* message) {
  throw Error(Code::invalid_derivation, message).about(path.base_name());
}

// Recursion is bounded by dynamic_input_depth_max.
void check_dynamic_inputs(const StorePath& path, const DynamicInputs& inputs, std::size_t depth) {
  if (inputs.empty()) refuse_input(path, "no output of this input derivation is named");
  if (depth > dynamic_input_depth_max) {
    refuse_input(path, "outputs of outputs of this input derivation are nested too deeply");
  }
  for (const auto& [output, wanted] : inputs) {
    if (!wanted.dynamic.empty()) check_dynamic_inputs(path, wanted.dynamic, depth + 1);
    if (wanted.dynamic.empty() && wanted.outputs.empty()) {
      refuse_input(path, "no output of an output of this input derivation is named");
    }
  }
}

void check_inputs(const Derivation& derivation) {
  constexpr const char* bad_name = "the name of an input derivation must end in '.drv'";
  for (const auto& [path, outputs] : derivation.input_derivations) {
    if (!path.is_derivation()) refuse_input(path, bad_name);
    if (outputs.empty()) refuse_input(path, "no output of this input derivation is named");
  }
  for (const auto& [path, inputs] : derivation.dynamic_inputs) {
    if (!path.is_derivation()) refuse_input(path, bad_name);
    check_dynamic_inputs(path, inputs, 1);
  }
}

}  // namespace

StorePath fixed_output_path(const StoreDir& store_dir, std::string_view derivation_name,
                            std::string_view output, const FixedOutput& fixed) {
  try {
    return make_content_addressed_path(store_dir, output_path_name(derivation_name, output),
                                       fixed.address);
  } catch (const Error& error) {
    throw Error(Code::invalid_derivation,
                "derivation output '" + std::string(output) + "' has no path: " + error.message());
  }
}

bool Derivation::is_fixed() const {
  return outputs.size() == 1 && outputs.begin()->first == "out" &&
         as_fixed(outputs.begin()->second) != nullptr;
}

bool Derivation::is_impure() const {
  return std::ranges::any_of(outputs, [](const auto& output) {
    return std::holds_alternative<ImpureOutput>(output.second);
  });
}

std::optional<StorePath> Derivation::output_path(const StoreDir& store_dir,
                                                 std::string_view output) const {
  const auto found = outputs.find(std::string(output));
  if (found == outputs.end()) {
    throw Error(Code::not_found,
                "derivation '" + name + "' has no output '" + std::string(output) + "'");
  }
  return path_of(store_dir, name, output, found->second);
}

std::map<std::string, std::optional<StorePath>> Derivation::output_paths(
    const StoreDir& store_dir) const {
  std::map<std::string, std::optional<StorePath>> paths;
  for (const auto& [output, value] : outputs) {
    paths.emplace(output, path_of(store_dir, name, output, value));
  }
  return paths;
}

StorePathSet Derivation::references() const {
  StorePathSet result = input_sources;
  for (const auto& [path, outputs_wanted] : input_derivations) result.insert(path);
  for (const auto& [path, outputs_wanted] : dynamic_inputs) result.insert(path);
  return result;
}

void check_derivation(const Derivation& derivation) {
  check_store_path_name(derivation.name);
  if (derivation.outputs.empty()) {
    throw Error(Code::invalid_derivation, "derivation '" + derivation.name + "' has no outputs");
  }
  for (const auto& [name, output] : derivation.outputs) {
    check_output_name(derivation, name);
    check_kind(derivation, name, output);
  }
  check_inputs(derivation);
}

StorePath derivation_path(const StoreDir& store_dir, const Derivation& derivation) {
  return derivation_path(store_dir, derivation, print_derivation(derivation, store_dir));
}

StorePath derivation_path(const StoreDir& store_dir, const Derivation& derivation,
                          std::string_view aterm) {
  const ContentAddress address{ContentAddressMethod::text,
                               hash_bytes(HashAlgorithm::sha256, as_bytes(aterm))};
  return make_content_addressed_path(store_dir, derivation.name + ".drv", address,
                                     {.others = derivation.references()});
}

}  // namespace cinch
