#include "derivation_check.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/error.hh>

namespace cinch::local {

namespace {

// Inputs may lie there without being valid (yet). Their paths are made from their texts, so each
// proves itself.
Derivation read_input(const Directory& objects, const StoreDir& store_dir, const StorePath& path) {
  Derivation derivation = read_derivation_file(objects, store_dir, path);
  if (derivation_path(store_dir, derivation) == path) return derivation;
  throw Error(Code::corrupt, "the derivation does not have the content that its path stands for")
      .about(objects.name_of(path.base_name()))
      .hint("remove it if it is not valid, or repair it");
}

}  // namespace

Derivation read_derivation_file(const Directory& objects, const StoreDir& store_dir,
                                const StorePath& path) {
  std::string_view name = path.name();
  if (path.is_derivation()) name.remove_suffix(std::string_view(".drv").size());
  try {
    const std::optional<std::string> text =
        objects.read_file(path.base_name(), derivation_bytes_max);
    if (!text) throw Error(Code::not_found, "there is no such derivation");
    return parse_derivation(*text, name, store_dir);
  } catch (Error& error) {
    error.set_subject_if_empty(store_dir.print(path));
    throw;
  }
}

DerivationChecker::DerivationChecker(const Directory& objects, const StoreDir& store_dir)
    : objects_(objects),
      store_dir_(store_dir),
      hasher_(DerivationHasher::lending(store_dir,
                                        [this](const StorePath& path) { return lend(path); })) {}

// REQUIRES: mutex_ is held.
std::shared_ptr<const Derivation> DerivationChecker::lend(const StorePath& path) const {
  if (together_ != nullptr) {
    const auto found = together_->find(path);
    // Its owner waits until all of them are checked.
    if (found != together_->end()) return {std::shared_ptr<void>(), found->second};
  }
  return std::make_shared<const Derivation>(read_input(objects_, store_dir_, path));
}

std::map<std::string, StorePath> DerivationChecker::check(const StorePath& path) {
  const Derivation derivation = read_derivation_file(objects_, store_dir_, path);
  const std::lock_guard lock(mutex_);
  return check_one(path, derivation);
}

DerivationChecker::KnownOutputs DerivationChecker::check(const Derivations& derivations,
                                                         const std::stop_token& stop) {
  KnownOutputs outputs;
  const std::lock_guard lock(mutex_);
  together_ = &derivations;
  try {
    for (const auto& [path, derivation] : derivations) {
      check_cancelled(stop);
      outputs.emplace_hint(outputs.end(), path, check_one(path, *derivation));
      // Most often, what is added is an input of what is added next.
      hasher_.remember(path, *derivation);
    }
  } catch (...) {
    together_ = nullptr;
    throw;
  }
  together_ = nullptr;
  return outputs;
}

// REQUIRES: mutex_ is held.
std::map<std::string, StorePath> DerivationChecker::check_one(const StorePath& path,
                                                              const Derivation& derivation) try {
  check_derivation(derivation);
  hasher_.check_outputs(derivation);
  std::map<std::string, StorePath> outputs;
  for (const auto& [name, output] : derivation.output_paths(store_dir_)) {
    if (output) outputs.emplace(name, *output);
  }
  return outputs;
} catch (Error& error) {
  error.add_context("while checking derivation '" + store_dir_.print(path) + "'");
  throw;
}

}  // namespace cinch::local
