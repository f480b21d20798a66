#include "derivation_writer.hh"

#include <cinch/core/derivation.hh>
#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/error.hh>
#include <cinch/core/hash.hh>

#include <utility>

namespace cinch {

namespace {

const FixedOutput* as_fixed(const DerivationOutput& output) {
  return std::get_if<FixedOutput>(&output);
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

void check_fixed_output(const Derivation& derivation, const std::string& output,
                        const FixedOutput& fixed) {
  if (derivation.outputs.size() != 1) {
    refuse("a fixed output must be the only output of its derivation", output);
  }
  if (output != "out") refuse("a fixed output must be called 'out'", output);
  if (fixed.address.method == ContentAddressMethod::text &&
      fixed.address.hash.algorithm() != HashAlgorithm::sha256) {
    refuse("a fixed output of method 'text' must have a sha256 hash", output);
  }
}

void check_input_derivations(const Derivation& derivation) {
  for (const auto& [path, outputs] : derivation.input_derivations) {
    if (!path.is_derivation()) {
      throw Error(Code::invalid_derivation, "the name of an input derivation must end in '.drv'")
          .about(path.base_name());
    }
    if (outputs.empty()) {
      throw Error(Code::invalid_derivation, "no output of this input derivation is named")
          .about(path.base_name());
    }
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
  return result;
}

void check_derivation(const Derivation& derivation) {
  check_store_path_name(derivation.name);
  if (derivation.outputs.empty()) {
    throw Error(Code::invalid_derivation, "derivation '" + derivation.name + "' has no outputs");
  }
  const std::size_t kind = derivation.outputs.begin()->second.index();
  for (const auto& [name, output] : derivation.outputs) {
    check_output_name(derivation, name);
    if (const auto* fixed = as_fixed(output)) check_fixed_output(derivation, name, *fixed);
    if (output.index() != kind) {
      refuse("derivation '" + derivation.name +
                 "' has outputs whose paths are known beside outputs whose paths are not",
             name);
    }
  }
  check_input_derivations(derivation);
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
