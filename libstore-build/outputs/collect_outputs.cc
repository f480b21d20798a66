#include "collect_outputs.hh"

#include "check_output.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/closure.hh>
#include <cinch/core/content_address_hasher.hh>
#include <cinch/core/error.hh>
#include <cinch/core/nar.hh>
#include <cinch/core/references.hh>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace cinch {
namespace {

// Passes everything on to several sinks, and stops when asked to.
class FanOut final : public Sink {
 public:
  explicit FanOut(std::stop_token stop) : stop_(std::move(stop)) {}
  void add(Sink& sink) { sinks_.push_back(&sink); }
  void write(Bytes bytes) override {
    check_cancelled(stop_);
    for (Sink* sink : sinks_) sink->write(bytes);
  }

 private:
  std::stop_token stop_;
  std::vector<Sink*> sinks_;
};

// Content that the method cannot address is the builder's fault.
template <class Work>
auto as_failure(Work work) {
  try {
    return work();
  } catch (const Error& error) {
    if (error.code() != Code::invalid_argument) throw;
    throw Error(Code::build_failed, error.message());
  }
}

// Computes the content address of a NAR that is written to it.
class AddressHasher final : public Sink {
 public:
  explicit AddressHasher(const ContentAddress& promised)
      : hasher_({.method = promised.method, .algorithm = promised.hash.algorithm()}) {}
  void write(Bytes nar) override {
    as_failure([&] { hasher_.write(nar); });
  }
  ContentAddress finish() {
    return as_failure([&] { return hasher_.finish(); });
  }

 private:
  ContentAddressHasher hasher_;
};

class Collector {
 public:
  Collector(Store& store, BuildStore& build_store, const Derivation& derivation,
            FinishedBuild& build, const CollectOptions& options, std::stop_token stop)
      : store_(store),
        build_store_(build_store),
        derivation_(derivation),
        build_(build),
        options_(options),
        stop_(std::move(stop)) {}

  void run() {
    require_all();
    StorePathSet candidates;
    for (const auto& [path, info] : options_.inputs) candidates.insert(path);
    for (const auto& [name, path] : options_.outputs) candidates.insert(path);
    std::vector<StagedCommit> objects;
    for (const auto& [name, path] : options_.outputs) {
      if (options_.already_valid.count(path) == 0) objects.push_back(stage(name, path, candidates));
    }
    refuse_cycles(objects);
    check(objects);
    switch (options_.purpose) {
      case CollectPurpose::add:
        return build_store_.commit(std::move(objects));
      case CollectPurpose::replace:
        return build_store_.replace(std::move(objects));
      case CollectPurpose::compare:
        return compare(objects);
    }
  }

 private:
  std::string print(const StorePath& path) const { return store_.store_dir().print(path); }
  std::string print_derivation() const { return print(options_.derivation_path); }

  void require_all() const {
    for (const auto& [name, path] : options_.outputs) {
      if (build_.has_output(name)) continue;
      throw Error(Code::build_failed, "the builder for '" + print_derivation() +
                                          "' succeeded but did not create its output '" + name +
                                          "' at '" + print(path) + "'")
          .about(print_derivation());
    }
  }

  const ContentAddress* promised(const std::string& name) const {
    const auto* fixed = std::get_if<FixedOutput>(&derivation_.outputs.at(name));
    return fixed ? &fixed->address : nullptr;
  }

  StagedCommit stage(const std::string& name, const StorePath& path,
                     const StorePathSet& candidates) {
    StagedCommit staged{build_store_.stage(path),
                        PathInfo{.path = path, .nar_hash = hash_bytes(HashAlgorithm::sha256, {})}};
    Hasher hasher(HashAlgorithm::sha256);
    ReferenceScanner scanner(candidates);
    FanOut all(stop_);
    all.add(hasher);
    if (!options_.options.discards_references(name)) all.add(scanner);
    all.add(staged.object->nar());
    std::optional<AddressHasher> address;
    if (const ContentAddress* content_address = promised(name)) {
      all.add(address.emplace(*content_address));
    }
    try {
      build_.read_output(name, all);
      staged.info.nar_size = hasher.size_bytes();
      staged.info.nar_hash = hasher.finish();
      staged.info.references = scanner.found();
      if (address) staged.info.content_address = address->finish();
    } catch (Error& error) {
      error.add_context("while reading the output '" + name + "' of '" + print_derivation() + "'");
      throw;
    }
    staged.info.deriver = options_.derivation_path;
    staged.info.registration_time = options_.now;
    staged.info.ultimate = true;
    if (const ContentAddress* content_address = promised(name)) {
      check_fixed(staged.info, *content_address);
    }
    return staged;
  }

  void check_fixed(const PathInfo& info, const ContentAddress& wanted) const {
    if (*info.content_address != wanted) {
      throw Error(Code::hash_mismatch,
                  "hash mismatch in fixed-output derivation '" + print_derivation() +
                      "':\n  specified: " + wanted.hash.to_string(HashFormat::sri) +
                      "\n     got:    " + info.content_address->hash.to_string(HashFormat::sri))
          .about(print_derivation());
    }
    if (info.references.empty()) return;
    throw Error(Code::build_failed, "the output of the fixed-output derivation '" +
                                        print_derivation() + "' may not refer to '" +
                                        print(*info.references.begin()) + "'")
        .about(print_derivation());
  }

  void refuse_cycles(const std::vector<StagedCommit>& objects) const {
    std::map<StorePath, PathInfo> infos;
    for (const StagedCommit& object : objects) infos.emplace(object.info.path, object.info);
    for (auto& [path, info] : infos) {
      std::erase_if(info.references, [&](const StorePath& to) { return infos.count(to) == 0; });
    }
    try {
      sort_topologically(infos);
    } catch (const Error& error) {
      if (error.code() != Code::corrupt) throw;
      throw Error(Code::build_failed,
                  "the outputs of '" + print_derivation() + "' refer to each other in a cycle")
          .about(print_derivation());
    }
  }

  void check(const std::vector<StagedCommit>& objects) const {
    std::vector<std::string> checked;
    for (const auto& [name, path] : options_.outputs) {
      if (options_.already_valid.contains(path)) continue;
      if (has_checks(name, options_.options)) checked.push_back(name);
    }
    if (checked.empty()) return;
    OutputFacts facts{.derivation = options_.derivation_path,
                      .store_dir = store_.store_dir(),
                      .outputs = options_.outputs,
                      .infos = compute_closure(store_, options_.already_valid)};
    facts.infos.insert(options_.inputs.begin(), options_.inputs.end());
    for (const StagedCommit& object : objects) facts.infos.emplace(object.info.path, object.info);
    for (const std::string& name : checked) check_output(name, options_.options, facts);
  }

  void compare(const std::vector<StagedCommit>& objects) const {
    std::vector<StorePath> paths;
    for (const StagedCommit& object : objects) paths.push_back(object.info.path);
    const std::vector<std::optional<PathInfo>> registered = store_.find(paths);
    for (std::size_t i = 0; i < paths.size(); ++i) {
      if (registered[i] && registered[i]->nar_hash == objects[i].info.nar_hash) continue;
      throw OutputsDiffer(Code::build_failed, "derivation '" + print_derivation() +
                                                  "' may not be deterministic: output '" +
                                                  print(paths[i]) + "' differs");
    }
  }

  Store& store_;
  BuildStore& build_store_;
  const Derivation& derivation_;
  FinishedBuild& build_;
  const CollectOptions& options_;
  std::stop_token stop_;
};

}  // namespace

void collect_outputs(Store& store, BuildStore& build_store, const Derivation& derivation,
                     FinishedBuild& build, const CollectOptions& options, std::stop_token stop) {
  Collector(store, build_store, derivation, build, options, std::move(stop)).run();
}

}  // namespace cinch
