#include "check_output.hh"

#include <cinch/core/error.hh>

#include <utility>
#include <vector>

namespace cinch {
namespace {

class OutputChecker {
 public:
  OutputChecker(const StorePath& path, const OutputChecks& checks, const OutputFacts& facts)
      : checks_(checks), facts_(facts), info_(info(path)) {}

  // In the order in which Nix looks at them.
  void run() {
    if (checks_.nar_size_max && info_.nar_size > *checks_.nar_size_max) {
      refuse("has " + std::to_string(info_.nar_size) + " bytes, more than the " +
             std::to_string(*checks_.nar_size_max) + " that 'maxSize' allows");
    }
    if (checks_.closure_size_max && closure_size() > *checks_.closure_size_max) {
      refuse("has a closure of " + std::to_string(closure_size()) + " bytes, more than the " +
             std::to_string(*checks_.closure_size_max) + " that 'maxClosureSize' allows");
    }
    if (checks_.allowed_references) {
      check_allowed("allowedReferences", *checks_.allowed_references, info_.references);
    }
    if (checks_.allowed_requisites) {
      check_allowed("allowedRequisites", *checks_.allowed_requisites, requisites());
    }
    if (!checks_.disallowed_references.empty()) {
      check_disallowed("disallowedReferences", checks_.disallowed_references, info_.references);
    }
    if (!checks_.disallowed_requisites.empty()) {
      check_disallowed("disallowedRequisites", checks_.disallowed_requisites, requisites());
    }
  }

 private:
  std::string print(const StorePath& path) const { return facts_.store_dir.print(path); }

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(Code::build_failed, "the output '" + print(info_.path) + "' of '" +
                                        print(facts_.derivation) + "' " + what)
        .about(print(facts_.derivation));
  }

  const PathInfo& info(const StorePath& path) const { return facts_.infos.at(path); }

  const StorePathSet& closure() {
    if (!closure_.empty()) return closure_;
    std::vector<StorePath> left = {info_.path};
    closure_.insert(info_.path);
    while (!left.empty()) {
      const StorePath path = std::move(left.back());
      left.pop_back();
      for (const StorePath& reference : info(path).references) {
        if (closure_.insert(reference).second) left.push_back(reference);
      }
    }
    return closure_;
  }
  std::uint64_t closure_size() {
    std::uint64_t sum = 0;
    for (const StorePath& path : closure()) sum += info(path).nar_size;
    return sum;
  }
  // The closure, with the output itself unless that is to be ignored.
  StorePathSet requisites() {
    StorePathSet paths = closure();
    if (checks_.ignore_self_references) paths.erase(info_.path);
    return paths;
  }

  StorePathSet paths_of(const char* attribute, const ReferenceSpecs& specs) const {
    StorePathSet paths;
    for (const SinglePath& path : specs.paths) paths.insert(path.path);
    for (const std::string& name : specs.own_outputs) {
      const auto found = facts_.outputs.find(name);
      if (found == facts_.outputs.end()) {
        refuse("cannot be checked: '" + name + "' in '" + attribute +
               "' is neither a store path nor the name of an output");
      }
      paths.insert(found->second);
    }
    return paths;
  }

  void check_allowed(const char* attribute, const ReferenceSpecs& specs,
                     const StorePathSet& used) const {
    const StorePathSet allowed = paths_of(attribute, specs);
    StorePathSet bad;
    for (const StorePath& path : used) {
      if (!allowed.contains(path)) bad.insert(path);
    }
    refuse_paths(attribute, bad);
  }

  void check_disallowed(const char* attribute, const ReferenceSpecs& specs,
                        const StorePathSet& used) const {
    StorePathSet bad;
    for (const StorePath& path : paths_of(attribute, specs)) {
      if (used.contains(path)) bad.insert(path);
    }
    refuse_paths(attribute, bad);
  }

  void refuse_paths(const char* attribute, const StorePathSet& bad) const {
    if (bad.empty()) return;
    std::string list;
    for (const StorePath& path : bad) list += (list.empty() ? "'" : ", '") + print(path) + "'";
    refuse("refers to " + list + ", which '" + attribute + "' does not allow");
  }

  const OutputChecks& checks_;
  const OutputFacts& facts_;
  const PathInfo& info_;
  StorePathSet closure_;
};

}  // namespace

bool has_checks(const std::string& output, const DerivationOptions& options) {
  const OutputChecks* checks = options.checks_of(output);
  if (checks == nullptr) return false;
  OutputChecks none;
  none.ignore_self_references = checks->ignore_self_references;
  return *checks != none;
}

void check_output(const std::string& output, const DerivationOptions& options,
                  const OutputFacts& facts) {
  const OutputChecks* checks = options.checks_of(output);
  if (checks != nullptr) OutputChecker(facts.outputs.at(output), *checks, facts).run();
}

}  // namespace cinch
