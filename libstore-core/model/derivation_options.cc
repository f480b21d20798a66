// Format: docs/formats/derivation-options.md.
#include "json_values.hh"
#include "structured_json.hh"
#include "words.hh"

#include <cinch/core/derivation_options.hh>
#include <cinch/core/error.hh>
#include <cinch/core/placeholder.hh>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace cinch {

namespace {

using Words = std::set<std::string>;

constexpr std::array<std::string_view, 7> ignored_if_structured = {
    "allowedReferences", "allowedRequisites", "disallowedReferences", "disallowedRequisites",
    "maxClosureSize",    "maxSize",           "passAsFile",
};

[[noreturn]] void refuse(std::string_view attribute, std::string message) {
  throw Error(Code::invalid_derivation, std::move(message)).about(std::string(attribute));
}

// What is wrong with the JSON of a derivation's variable is wrong with the derivation.
Error as_invalid(const Error& error, std::string_view what) {
  Error invalid(Code::invalid_derivation, std::string(what) + error.message());
  const bool has_place = error.subject().starts_with("/") && error.subject() != "/";
  invalid.set_subject_if_empty(has_place ? error.subject() : std::string(structured_variable));
  return error.offset() ? std::move(invalid).at(*error.offset()) : invalid;
}

// Which outputs of inputs placeholders stand for.
class InputPlaceholders {
 public:
  explicit InputPlaceholders(const Derivation& derivation) {
    for (const auto& [path, outputs] : derivation.input_derivations) {
      for (const std::string& output : outputs) {
        add(Placeholder::input_output(path, output), {path, {output}});
      }
    }
    for (const auto& [path, inputs] : derivation.dynamic_inputs) {
      for (const auto& [output, wanted] : inputs) {
        add_outputs_of(Placeholder::input_output(path, output), {path, {output}}, wanted);
      }
    }
  }

  // What follows the placeholder (as in "<placeholder>/bin") does not matter.
  const SinglePath* find(std::string_view text) const {
    const auto found = paths_.find(text.substr(0, text.find('/', 1)));
    return found == paths_.end() ? nullptr : &found->second;
  }

 private:
  void add(const Placeholder& placeholder, SinglePath path) {
    paths_.insert_or_assign(placeholder.text(), std::move(path));
  }
  // Recursion is bounded by dynamic_input_depth_max.
  void add_outputs_of(const Placeholder& placeholder, const SinglePath& path,
                      const DynamicInput& wanted) {
    const auto below = [&](const std::string& output) {
      SinglePath inner = path;
      inner.outputs.push_back(output);
      return inner;
    };
    for (const std::string& output : wanted.outputs) {
      add(placeholder.output_of_this(output), below(output));
    }
    for (const auto& [output, next] : wanted.dynamic) {
      add_outputs_of(placeholder.output_of_this(output), below(output), next);
    }
  }

  std::map<std::string, SinglePath, std::less<>> paths_;
};

class PathReader {
 public:
  PathReader(const Derivation& derivation, const StoreDir& store_dir)
      : store_dir_(store_dir), placeholders_(derivation) {}

  // A path, or what lies below it.
  SinglePath require(const std::string& text) const {
    if (const SinglePath* output = placeholders_.find(text)) return *output;
    if (auto place = store_dir_.find_place(text)) return {std::move(place->path), {}};
    throw Error(Code::malformed, "'" + text + "' is not a path in '" + store_dir_.text() + "'");
  }

  // What lies below a store path is not one here; so does Nix read it.
  void add_spec(ReferenceSpecs& specs, const std::string& text) const {
    if (const SinglePath* output = placeholders_.find(text)) {
      specs.paths.insert(*output);
      return;
    }
    const auto place = store_dir_.find_place(text);
    if (place && place->rest.find_first_not_of('/') == std::string_view::npos) {
      specs.paths.insert({place->path, {}});
    } else {
      specs.own_outputs.insert(text);
    }
  }

 private:
  const StoreDir& store_dir_;
  InputPlaceholders placeholders_;
};

// What both kinds of attributes say in the same way.
template <class Reader>
void read_plain(const Reader& reader, DerivationOptions& options) {
  options.additional_sandbox_profile = reader.text("__sandboxProfile");
  options.no_chroot = reader.flag("__noChroot", options.no_chroot);
  options.impure_host_dependencies = reader.words("__impureHostDeps");
  options.impure_environment_variables = reader.words("impureEnvVars");
  options.allow_local_networking =
      reader.flag("__darwinAllowLocalNetworking", options.allow_local_networking);
  options.required_system_features = reader.words("requiredSystemFeatures");
  options.prefer_local_build = reader.flag("preferLocalBuild", options.prefer_local_build);
  options.allow_substitutes = reader.flag("allowSubstitutes", options.allow_substitutes);
}

// --- attributes in the environment ---

class EnvironmentReader {
 public:
  EnvironmentReader(const Derivation& derivation, const PathReader& paths)
      : environment_(derivation.environment), paths_(paths) {}

  DerivationOptions read() const {
    DerivationOptions options;
    options.output_checks = read_checks();
    options.pass_as_file = words("passAsFile");
    read_graphs(options);
    read_plain(*this, options);
    return options;
  }

  std::string text(const std::string& name) const {
    const std::string* value = find(name);
    return value == nullptr ? "" : *value;
  }
  bool flag(const std::string& name, bool absent) const {
    const std::string* value = find(name);
    return value == nullptr ? absent : *value == "1";
  }
  Words words(const std::string& name) const {
    const std::string value = text(name);
    const std::vector<std::string_view> list = split_words(value);
    return {list.begin(), list.end()};
  }

 private:
  const std::string* find(const std::string& name) const {
    const auto found = environment_.find(name);
    return found == environment_.end() ? nullptr : &found->second;
  }

  // An attribute that is empty allows nothing; one that is absent allows all.
  std::optional<ReferenceSpecs> specs(const std::string& name) const {
    if (find(name) == nullptr) return std::nullopt;
    ReferenceSpecs result;
    for (const std::string& word : words(name)) paths_.add_spec(result, word);
    return result;
  }
  OutputChecks read_checks() const {
    OutputChecks checks;
    checks.ignore_self_references = true;
    checks.allowed_references = specs("allowedReferences");
    checks.disallowed_references = specs("disallowedReferences").value_or(ReferenceSpecs());
    checks.allowed_requisites = specs("allowedRequisites");
    checks.disallowed_requisites = specs("disallowedRequisites").value_or(ReferenceSpecs());
    return checks;
  }

  // A file name and a path, in turns.
  void read_graphs(DerivationOptions& options) const {
    constexpr const char* attribute = "exportReferencesGraph";
    const std::string value = text(attribute);
    const std::vector<std::string_view> list = split_words(value);
    if (list.size() % 2 != 0) {
      refuse(attribute, "the attribute 'exportReferencesGraph' has a file name without a path: '" +
                            std::string(list.back()) + "'");
    }
    for (std::size_t i = 0; i < list.size(); i += 2) {
      const std::string file_name(list[i]);
      if (!is_identifier(file_name, ".-")) {
        refuse(attribute,
               "the attribute 'exportReferencesGraph' has a bad file name: '" + file_name + "'");
      }
      try {
        options.export_references_graph[file_name] = {paths_.require(std::string(list[i + 1]))};
      } catch (const Error& error) {
        refuse(attribute, "the attribute 'exportReferencesGraph': " + error.message());
      }
    }
  }

  const std::map<std::string, std::string>& environment_;
  const PathReader& paths_;
};

// --- structured attributes ---

class StructuredReader {
 public:
  StructuredReader(const Json& attributes, const PathReader& paths)
      : root_(attributes), paths_(paths) {}

  DerivationOptions read() const {
    DerivationOptions options;
    options.output_checks = read_all_checks();
    if (const auto discards = root_.find("unsafeDiscardReferences")) {
      for (const auto& [output, value] : discards->object()) {
        const JsonNode node(*discards, output, value);
        options.unsafe_discard_references.emplace(output, read_bool(node));
      }
    }
    read_graphs(options);
    read_plain(*this, options);
    return options;
  }

  std::string text(std::string_view name) const {
    const auto node = root_.find(name);
    return node ? node->string() : "";
  }
  bool flag(std::string_view name, bool absent) const {
    const auto node = root_.find(name);
    return node ? read_bool(*node) : absent;
  }
  Words words(std::string_view name) const {
    const auto node = root_.find(name);
    return node ? read_strings(*node) : Words();
  }

 private:
  std::map<std::string, OutputChecks> read_all_checks() const {
    std::map<std::string, OutputChecks> result;
    const auto all = root_.find("outputChecks");
    if (!all) return result;
    for (const auto& [output, value] : all->object()) {
      result.emplace(output, read_checks(JsonNode(*all, output, value)));
    }
    return result;
  }
  OutputChecks read_checks(const JsonNode& node) const {
    OutputChecks checks;
    checks.nar_size_max = size(node, "maxSize");
    checks.closure_size_max = size(node, "maxClosureSize");
    checks.allowed_references = specs(node, "allowedReferences");
    checks.disallowed_references = specs(node, "disallowedReferences").value_or(ReferenceSpecs());
    checks.allowed_requisites = specs(node, "allowedRequisites");
    checks.disallowed_requisites = specs(node, "disallowedRequisites").value_or(ReferenceSpecs());
    return checks;
  }
  static std::optional<std::uint64_t> size(const JsonNode& node, std::string_view name) {
    const auto found = node.find(name);
    if (!found) return std::nullopt;
    return read_number(*found, std::numeric_limits<std::uint64_t>::max());
  }
  std::optional<ReferenceSpecs> specs(const JsonNode& node, std::string_view name) const {
    const auto list = node.find(name);
    if (!list) return std::nullopt;
    ReferenceSpecs result;
    for_each_element(*list, [&](const JsonNode& one) { paths_.add_spec(result, one.string()); });
    return result;
  }

  // Nix warns of what is not an object, and goes on without it.
  void read_graphs(DerivationOptions& options) const {
    const auto graphs = root_.find("exportReferencesGraph");
    if (!graphs || !graphs->value().is_object()) return;
    for (const auto& [name, value] : graphs->object()) {
      add_paths(JsonNode(*graphs, name, value), options.export_references_graph[name]);
    }
  }
  // Lists may be nested; recursion is bounded by json_depth_max.
  void add_paths(const JsonNode& node, SinglePathSet& paths) const {
    if (node.value().is_array()) {
      for_each_element(node, [&](const JsonNode& one) { add_paths(one, paths); });
      return;
    }
    paths.insert(parse_text(node, [&](const std::string& text) { return paths_.require(text); }));
  }

  JsonNode root_;
  const PathReader& paths_;
};

// --- resolution ---

class Resolver {
 public:
  explicit Resolver(const FindRealisedOutput& find) : find_(find) {}

  bool resolve(OutputChecks& checks) {
    return resolve(checks.allowed_references) && resolve(checks.disallowed_references.paths) &&
           resolve(checks.allowed_requisites) && resolve(checks.disallowed_requisites.paths);
  }
  bool resolve(SinglePathSet& paths) {
    SinglePathSet resolved;
    for (const SinglePath& path : paths) {
      std::optional<StorePath> known = find(path);
      if (!known) return false;
      resolved.insert({*std::move(known), {}});
    }
    paths = std::move(resolved);
    return true;
  }

 private:
  bool resolve(std::optional<ReferenceSpecs>& specs) { return !specs || resolve(specs->paths); }

  std::optional<StorePath> find(const SinglePath& path) const {
    std::optional<StorePath> known = path.path;
    for (const std::string& output : path.outputs) {
      if (!known->is_derivation()) {
        throw Error(Code::invalid_derivation,
                    "its output '" + output + "' is wanted, but it is not a derivation")
            .about(known->base_name());
      }
      known = find_(*known, output);
      if (!known) return std::nullopt;
    }
    return known;
  }

  const FindRealisedOutput& find_;
};

}  // namespace

std::optional<Json> parse_structured_attributes(const Derivation& derivation) {
  const auto found = derivation.environment.find(std::string(structured_variable));
  if (found == derivation.environment.end()) return std::nullopt;
  try {
    Json value = parse_json(found->second, structured_attributes_bytes_max);
    JsonNode(value).object();
    return value;
  } catch (const Error& error) {
    if (error.code() != Code::malformed) throw;
    throw as_invalid(error, "the structured attributes are wrong: ");
  }
}

bool BuiltPathsLast::operator()(const SinglePath& left, const SinglePath& right) const {
  if (left.outputs.size() != right.outputs.size()) {
    return left.outputs.size() < right.outputs.size();
  }
  return left < right;
}

const OutputChecks* DerivationOptions::checks_of(std::string_view output) const {
  if (const auto* for_all = std::get_if<OutputChecks>(&output_checks)) return for_all;
  const auto& by_name = std::get<std::map<std::string, OutputChecks>>(output_checks);
  const auto found = by_name.find(std::string(output));
  return found == by_name.end() ? nullptr : &found->second;
}

bool DerivationOptions::discards_references(std::string_view output) const {
  const auto found = unsafe_discard_references.find(std::string(output));
  return found != unsafe_discard_references.end() && found->second;
}

DerivationOptions read_derivation_options(const Derivation& derivation, const StoreDir& store_dir) {
  const PathReader paths(derivation, store_dir);
  const std::optional<Json> structured = parse_structured_attributes(derivation);
  if (!structured) return EnvironmentReader(derivation, paths).read();
  try {
    return StructuredReader(*structured, paths).read();
  } catch (Error& error) {
    if (error.code() != Code::malformed) throw;
    add_token(error, derivation.environment.at(std::string(structured_variable)));
    throw as_invalid(error, "a structured attribute is wrong: ");
  }
}

std::set<std::string> ignored_attributes(const Derivation& derivation) {
  const std::optional<Json> structured = parse_structured_attributes(derivation);
  std::set<std::string> ignored;
  if (!structured) return ignored;
  for (const std::string_view name : ignored_if_structured) {
    if (structured->contains(name)) ignored.emplace(name);
  }
  const auto graphs = structured->find("exportReferencesGraph");
  if (graphs != structured->end() && !graphs->is_object()) ignored.insert("exportReferencesGraph");
  return ignored;
}

std::optional<DerivationOptions> resolve_derivation_options(const DerivationOptions& options,
                                                            const FindRealisedOutput& find) {
  DerivationOptions resolved = options;
  Resolver resolver(find);
  if (auto* for_all = std::get_if<OutputChecks>(&resolved.output_checks)) {
    if (!resolver.resolve(*for_all)) return std::nullopt;
  } else {
    for (auto& [output, checks] :
         std::get<std::map<std::string, OutputChecks>>(resolved.output_checks)) {
      if (!resolver.resolve(checks)) return std::nullopt;
    }
  }
  for (auto& [name, paths] : resolved.export_references_graph) {
    if (!resolver.resolve(paths)) return std::nullopt;
  }
  return resolved;
}

std::set<std::string> required_system_features(const DerivationOptions& options,
                                               const Derivation& derivation) {
  std::set<std::string> features = options.required_system_features;
  const bool known = std::ranges::all_of(derivation.outputs, [](const auto& output) {
    return std::holds_alternative<InputAddressedOutput>(output.second) ||
           std::holds_alternative<FixedOutput>(output.second);
  });
  if (!known) features.insert("ca-derivations");
  return features;
}

bool can_build_locally(const DerivationOptions& options, const Derivation& derivation,
                       const BuildMachineFacts& machine) {
  const bool builtin = derivation.builder.starts_with("builtin:");
  if (!builtin && (machine.jobs_max == 0 || !machine.systems.contains(derivation.system))) {
    return false;
  }
  return std::ranges::includes(machine.features, required_system_features(options, derivation));
}

bool will_build_locally(const DerivationOptions& options, const Derivation& derivation,
                        const BuildMachineFacts& machine) {
  return options.prefer_local_build && can_build_locally(options, derivation, machine);
}

bool substitutes_allowed(const DerivationOptions& options, bool always) {
  return always || options.allow_substitutes;
}

bool uses_uid_range(const DerivationOptions& options) {
  return options.required_system_features.contains("uid-range");
}

}  // namespace cinch
