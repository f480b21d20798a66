#include <cinch/core/derivation_hash.hh>
#include <cinch/core/derivation_resolution.hh>
#include <cinch/core/error.hh>
#include <cinch/core/placeholder.hh>

#include <algorithm>
#include <string>
#include <utility>

namespace cinch {

namespace {

class Resolver {
 public:
  Resolver(const StoreDir& store_dir, const FindRealisedOutput& find)
      : store_dir_(store_dir), find_(find) {}

  // Each says whether all paths are known.
  bool add(const StorePath& derivation, const OutputNames& outputs) {
    return std::ranges::all_of(outputs, [&](const std::string& output) {
      return add(derivation, output, Placeholder::input_output(derivation, output));
    });
  }

  bool add_dynamic(const StorePath& derivation, const DynamicInputs& inputs) {
    return std::ranges::all_of(inputs, [&](const auto& input) {
      return add_dynamic(derivation, input.first, input.second,
                         Placeholder::input_output(derivation, input.first));
    });
  }

  Derivation apply(const Derivation& derivation) {
    Derivation resolved = derivation;
    resolved.input_derivations.clear();
    resolved.dynamic_inputs.clear();
    resolved.input_sources.insert(paths_.begin(), paths_.end());
    resolved.builder = rewrite(derivation.builder);
    for (std::string& argument : resolved.arguments) argument = rewrite(argument);
    resolved.environment.clear();
    for (const auto& [name, value] : derivation.environment) {
      resolved.environment.emplace(rewrite(name), rewrite(value));
    }
    return resolved;
  }

 private:
  bool add(const StorePath& derivation, const std::string& output, const Placeholder& placeholder) {
    std::optional<StorePath> path = find_(derivation, output);
    if (!path) return false;
    texts_.emplace(placeholder.text(), store_dir_.print(*path));
    paths_.insert(std::move(*path));
    return true;
  }

  // Recursion is bounded by dynamic_input_depth_max.
  bool add_dynamic(const StorePath& derivation, const std::string& output,
                   const DynamicInput& wanted, const Placeholder& placeholder) {
    const std::optional<StorePath> inner = find_(derivation, output);
    if (!inner) return false;
    if (!inner->is_derivation()) {
      throw Error(Code::invalid_derivation,
                  "output '" + output + "' of an input derivation is not a derivation itself")
          .about(store_dir_.print(*inner));
    }
    const bool own = std::ranges::all_of(wanted.outputs, [&](const std::string& name) {
      return add(*inner, name, placeholder.output_of_this(name));
    });
    return own && std::ranges::all_of(wanted.dynamic, [&](const auto& input) {
             return add_dynamic(*inner, input.first, input.second,
                                placeholder.output_of_this(input.first));
           });
  }

  std::string rewrite(std::string_view text) const { return replace_placeholders(text, texts_); }

  const StoreDir& store_dir_;
  const FindRealisedOutput& find_;
  PlaceholderTexts texts_;
  StorePathSet paths_;
};

}  // namespace

bool needs_resolution(const Derivation& derivation) {
  if (!derivation.dynamic_inputs.empty()) return true;
  if (derivation.input_derivations.empty()) return false;
  return std::ranges::any_of(derivation.outputs, [](const auto& output) {
    return !std::holds_alternative<InputAddressedOutput>(output.second) &&
           !std::holds_alternative<FixedOutput>(output.second);
  });
}

std::optional<Derivation> resolve_derivation(const Derivation& derivation,
                                             const StoreDir& store_dir,
                                             const FindRealisedOutput& find) {
  check_derivation(derivation);
  Resolver resolver(store_dir, find);
  for (const auto& [path, outputs] : derivation.input_derivations) {
    if (!resolver.add(path, outputs)) return std::nullopt;
  }
  for (const auto& [path, inputs] : derivation.dynamic_inputs) {
    if (!resolver.add_dynamic(path, inputs)) return std::nullopt;
  }
  Derivation resolved = resolver.apply(derivation);
  if (std::holds_alternative<DeferredOutput>(resolved.outputs.begin()->second)) {
    DerivationHasher(store_dir, {}).fill_in_outputs(resolved);
  }
  return resolved;
}

}  // namespace cinch
