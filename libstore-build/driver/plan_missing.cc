#include "plan_missing.hh"

#include "load_derivations.hh"

#include <map>
#include <utility>
#include <vector>

namespace cinch {
namespace {

class Planner {
 public:
  explicit Planner(Store& store) : store_(store) {}

  MissingPlan plan(std::span<const DerivingPath> wanted) {
    StorePathSet opaque;
    for (const DerivingPath& path : wanted) {
      if (const auto* built = std::get_if<BuiltPath>(&path)) {
        want(built->derivation, built->outputs);
      } else {
        opaque.insert(std::get<OpaquePath>(path).path);
      }
    }
    while (!level_.empty()) load_level(opaque);
    StorePathSet valid = store_.find_valid(opaque);
    for (const StorePath& path : opaque) {
      if (valid.count(path) == 0) plan_.unknown.insert(path);
    }
    return std::move(plan_);
  }

 private:
  void want(const StorePath& derivation, OutputSpec outputs) {
    level_[derivation].push_back(std::move(outputs));
  }

  // Goes one level down; collects the sources on the way.
  void load_level(StorePathSet& sources) {
    std::map<StorePath, std::vector<OutputSpec>> level = std::exchange(level_, {});
    std::vector<StorePath> unread;
    for (const auto& [path, specs] : level) {
      if (known_.count(path) == 0) unread.push_back(path);
    }
    LoadedDerivations loaded = load_derivations(store_, unread);
    derivations_.merge(loaded.derivations);
    for (CoordinatorEvent& event : loaded.events) {
      if (auto* found = std::get_if<DerivationLoaded>(&event)) {
        known_.emplace(found->derivation, std::move(*found));
      } else {
        plan_.unknown.insert(std::get<DerivationNotLoaded>(event).derivation);
      }
    }
    for (const auto& [path, specs] : level) {
      auto found = known_.find(path);
      if (found == known_.end() || plan_.will_build.count(path) > 0) continue;
      if (!is_missing(found->second, specs)) continue;
      plan_.will_build.insert(path);
      for (const auto& [input, outputs] : found->second.inputs) want(input, outputs);
      const StorePathSet& own = derivations_.at(path).input_sources;
      sources.insert(own.begin(), own.end());
    }
  }

  static bool is_missing(const DerivationLoaded& derivation, const std::vector<OutputSpec>& specs) {
    for (const std::string& output : derivation.missing) {
      for (const OutputSpec& spec : specs) {
        if (wants_output(spec, output)) return true;
      }
    }
    return false;
  }

  Store& store_;
  MissingPlan plan_;
  std::map<StorePath, std::vector<OutputSpec>> level_;
  std::map<StorePath, DerivationLoaded> known_;
  std::map<StorePath, Derivation> derivations_;
};

}  // namespace

MissingPlan plan_missing(Store& store, std::span<const DerivingPath> wanted) {
  return Planner(store).plan(wanted);
}

}  // namespace cinch
