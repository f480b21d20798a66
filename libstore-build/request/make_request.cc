#include "make_request.hh"

#include <cinch/core/encoding.hh>
#include <cinch/core/error.hh>
#include <cinch/core/hash.hh>
#include <cinch/core/placeholder.hh>
#include <cinch/core/structured_attributes.hh>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace cinch {
namespace {

constexpr std::array<std::string_view, 2> unsupported_features = {"recursive-nix", "uid-range"};

std::string nix32_sha256(std::string_view text) {
  return hash_bytes(HashAlgorithm::sha256, as_bytes(text)).digest_text(HashFormat::nix32);
}

class RequestMaker {
 public:
  RequestMaker(const Derivation& derivation, const RequestFacts& facts, const Settings& settings)
      : derivation_(derivation),
        facts_(facts),
        settings_(settings),
        request_{.derivation = facts.derivation_path} {}

  BuildRequest make() {
    refuse_unsupported();
    request_.system = derivation_.system;
    request_.working_directory = settings_.sandbox_build_dir;
    request_.store_dir = facts_.store_dir.text();
    request_.inputs = facts_.inputs;
    request_.network = derivation_.is_fixed();
    request_.limits = {settings_.timeout, settings_.max_silent_time, settings_.max_build_log_size,
                       settings_.sandbox_dev_shm_size};
    add_outputs();
    add_command();
    add_environment();
    add_mounts();
    return std::move(request_);
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(Code::not_supported,
                "'" + facts_.store_dir.print(facts_.derivation_path) + "' cannot be built: " + what)
        .about(facts_.store_dir.print(facts_.derivation_path));
  }

  void refuse_unsupported() const {
    if (facts_.options.no_chroot) {
      refuse("the attribute '__noChroot' asks for a build without a sandbox");
    }
    if (!facts_.options.impure_host_dependencies.empty()) {
      refuse("the attribute '__impureHostDeps' asks for '" +
             *facts_.options.impure_host_dependencies.begin() + "' of this machine");
    }
    if (!derivation_.dynamic_inputs.empty()) {
      refuse("it needs outputs of derivations that are outputs themselves");
    }
    if (derivation_.builder.starts_with("builtin:")) {
      refuse("this version does not have the builder '" + derivation_.builder + "'");
    }
    for (const std::string& feature : facts_.options.required_system_features) {
      if (std::find(unsupported_features.begin(), unsupported_features.end(), feature) !=
          unsupported_features.end()) {
        refuse("the attribute 'requiredSystemFeatures' has '" + feature +
               "', which this version does not know");
      }
    }
    if (!derivation_.builder.starts_with('/')) {
      throw Error(Code::invalid_derivation,
                  "the builder '" + derivation_.builder + "' is not an absolute path")
          .about(facts_.store_dir.print(facts_.derivation_path));
    }
  }

  void add_outputs() {
    for (const auto& [name, path] : derivation_.output_paths(facts_.store_dir)) {
      if (!path) refuse("the path of its output '" + name + "' is not known");
      request_.outputs.emplace(name, *path);
      placeholders_.emplace(Placeholder::own_output(name).text(), facts_.store_dir.print(*path));
    }
  }

  void add_command() {
    refuse_nul(derivation_.builder, "the builder");
    request_.command = {derivation_.builder};
    for (const std::string& argument : derivation_.arguments) {
      refuse_nul(argument, "an argument of the builder");
      request_.command.push_back(replace_placeholders(argument, placeholders_));
    }
  }

  // The system would pass on what stands before it, and say nothing.
  void refuse_nul(const std::string& text, const std::string& what) const {
    if (text.find('\0') == std::string::npos) return;
    throw Error(Code::invalid_derivation, what + " contains a NUL byte")
        .about(facts_.store_dir.print(facts_.derivation_path));
  }

  // Later lines win over earlier ones, as in Nix.
  void add_environment() {
    std::map<std::string, std::string>& environment = request_.environment;
    environment["PATH"] = "/path-not-set";
    environment["HOME"] = "/homeless-shelter";
    environment["NIX_STORE"] = facts_.store_dir.text();
    environment["NIX_BUILD_CORES"] = std::to_string(facts_.cores);
    if (!add_structured_attributes()) {
      add_attributes();
      add_graph_files();
    }
    for (const char* name : {"NIX_BUILD_TOP", "TMPDIR", "TEMPDIR", "TMP", "TEMP", "PWD"}) {
      environment[name] = request_.working_directory;
    }
    if (derivation_.is_fixed()) {
      environment["NIX_OUTPUT_CHECKED"] = "1";
      add_impure_variables();
    }
    environment["NIX_LOG_FD"] = "2";
    environment["TERM"] = "xterm-256color";
  }

  // With these, the builder sees no other attributes.
  bool add_structured_attributes() {
    AttributeFacts attribute_facts{.outputs = {}, .graphs = facts_.graphs};
    for (const auto& [name, path] : request_.outputs) {
      attribute_facts.outputs.emplace(name, facts_.store_dir.print(path));
    }
    std::optional<AttributeFiles> files =
        print_structured_attributes(derivation_, facts_.store_dir, attribute_facts);
    if (!files) return false;
    request_.files.push_back({".attrs.json", std::move(files->json)});
    request_.files.push_back({".attrs.sh", std::move(files->shell)});
    request_.environment["NIX_ATTRS_JSON_FILE"] = request_.working_directory + "/.attrs.json";
    request_.environment["NIX_ATTRS_SH_FILE"] = request_.working_directory + "/.attrs.sh";
    return true;
  }

  void add_graph_files() {
    for (const auto& [name, graph] : facts_.graphs) {
      request_.files.push_back({name, print_references_graph(graph, facts_.store_dir)});
    }
  }

  void add_attributes() {
    const std::set<std::string>& as_file = facts_.options.pass_as_file;
    for (const auto& [name, value] : derivation_.environment) {
      if (name.empty() || name.find_first_of(std::string_view("=\0", 2)) != std::string::npos) {
        throw Error(Code::invalid_derivation,
                    "an environment variable cannot be called '" + name + "'")
            .about(facts_.store_dir.print(facts_.derivation_path));
      }
      if (as_file.count(name) == 0) {
        refuse_nul(value, "the environment variable '" + name + "'");
        request_.environment[name] = replace_placeholders(value, placeholders_);
        continue;
      }
      std::string file = ".attr-" + nix32_sha256(name);
      request_.environment[name + "Path"] = request_.working_directory + "/" + file;
      request_.files.push_back({file, replace_placeholders(value, placeholders_)});
    }
  }

  void add_impure_variables() {
    for (const std::string& name : facts_.options.impure_environment_variables) {
      auto found = facts_.impure_environment.find(name);
      request_.environment[name] = found == facts_.impure_environment.end() ? "" : found->second;
    }
  }

  void add_mounts() {
    for (const SandboxPath& path : settings_.sandbox_paths) {
      request_.mounts.push_back({path.target, path.source, path.optional});
    }
    if (facts_.options.required_system_features.contains("kvm")) {
      request_.mounts.push_back({"/dev/kvm", "/dev/kvm", false});
    }
  }

  const Derivation& derivation_;
  const RequestFacts& facts_;
  const Settings& settings_;
  BuildRequest request_;
  PlaceholderTexts placeholders_;
};

}  // namespace

BuildRequest make_build_request(const Derivation& derivation, const RequestFacts& facts,
                                const Settings& settings) {
  return RequestMaker(derivation, facts, settings).make();
}

std::set<std::string> offered_features(const Settings& settings) {
  if (settings.system_features.empty()) return {"benchmark", "big-parallel", "nixos-test"};
  return {settings.system_features.begin(), settings.system_features.end()};
}

}  // namespace cinch
