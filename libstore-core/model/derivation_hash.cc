#include "derivation_writer.hh"

#include <cinch/core/derivation_hash.hh>
#include <cinch/core/error.hh>

#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace cinch {

namespace {

// What is hashed in keys of realisations in place of an impure derivation.
constexpr std::string_view impure_text = "impure";

// What hashes are taken for. Those for keys of realisations are there for all derivations.
enum class Purpose : std::uint8_t { output_paths, realisation_keys };

// What a derivation needs to know of an input.
struct InputFacts {
  // In base16; stands for the path in the ATerm of whoever has this input. Empty where output paths
  // are only known once something is built: then those of whoever has this input are, too.
  std::string hash;
  OutputNames outputs;  // all it has
};

// An input whose own inputs are being looked at.
struct Visit {
  StorePath path;
  std::shared_ptr<const Derivation> derivation;
  std::map<StorePath, OutputNames>::const_iterator next;  // into `derivation`

  Visit(StorePath visited, std::shared_ptr<const Derivation> read, Purpose purpose);
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
};

// Whether the hash follows from those of the inputs. That of a fixed output does not depend on how
// it is made, and floating and impure outputs have none (floating ones have one for keys of
// realisations), so their inputs need no visit.
bool depends_on_inputs(const Derivation& derivation, Purpose purpose) {
  const DerivationOutput& first = derivation.outputs.begin()->second;
  return std::holds_alternative<InputAddressedOutput>(first) ||
         std::holds_alternative<DeferredOutput>(first) ||
         (purpose == Purpose::realisation_keys && std::holds_alternative<FloatingOutput>(first));
}

Visit::Visit(StorePath visited, std::shared_ptr<const Derivation> read, Purpose purpose)
    : path(std::move(visited)),
      derivation(std::move(read)),
      next(depends_on_inputs(*derivation, purpose) ? derivation->input_derivations.cbegin()
                                                   : derivation->input_derivations.cend()) {}

std::string hash_text(std::string_view text) {
  return hash_bytes(HashAlgorithm::sha256, as_bytes(text)).digest_text(HashFormat::base16);
}

std::string fixed_output_hash(const StoreDir& store_dir, const Derivation& derivation) {
  const ContentAddress& address = std::get<FixedOutput>(derivation.outputs.at("out")).address;
  std::string text = "fixed:out:";
  text += method_prefix(address.method);
  text += to_string(address.hash.algorithm());
  text += ':';
  text += address.hash.digest_text(HashFormat::base16);
  text += ':';
  text += store_dir.print(*derivation.output_path(store_dir, "out"));
  return hash_text(text);
}

bool is_deferred(const Derivation& derivation) {
  return std::holds_alternative<DeferredOutput>(derivation.outputs.begin()->second);
}

[[noreturn]] void refuse(const Derivation& derivation, const std::string& what,
                         const std::string& actual, const std::string& expected) {
  throw Error(Code::invalid_derivation, what + " of derivation '" + derivation.name + "' is " +
                                            actual + " but should be '" + expected + "'")
      .about(derivation.name + ".drv");
}

// An output and the variable named like it must both have the right path.
void check_output(const Derivation& derivation, const StoreDir& store_dir,
                  const std::string& output, const StorePath& path) {
  const std::string expected = store_dir.print(path);
  const std::optional<StorePath> actual = derivation.output_path(store_dir, output);
  if (actual != path) {
    refuse(derivation, "the path of output '" + output + "'",
           actual ? "'" + store_dir.print(*actual) + "'" : "not filled in", expected);
  }
  const auto variable = derivation.environment.find(output);
  const bool absent = variable == derivation.environment.end();
  if (absent || variable->second != expected) {
    refuse(derivation, "environment variable '" + output + "'",
           absent ? "missing" : "'" + variable->second + "'", expected);
  }
}

// Where output paths cannot be known, none may be there.
void refuse_filled_in(const Derivation& derivation) {
  for (const auto& [output, value] : derivation.outputs) {
    if (!std::holds_alternative<InputAddressedOutput>(value)) continue;
    throw Error(Code::invalid_derivation,
                "the path of output '" + output + "' of derivation '" + derivation.name +
                    "' is filled in, but it is only known once the inputs are built")
        .about(derivation.name + ".drv");
  }
}

}  // namespace

struct DerivationHasher::State {
  StoreDir store_dir;
  LendDerivation lend;
  Purpose purpose = Purpose::output_paths;
  std::unordered_map<StorePath, InputFacts> known;
  StorePathSet open;                // being visited; meeting one of these again is a cycle
  std::unique_ptr<State> for_keys;  // the same for keys of realisations, once asked for

  void learn_inputs(const Derivation& derivation);
  void learn(const StorePath& input);
  std::unique_ptr<Visit> begin_visit(const StorePath& path);
  // Empty if one of the inputs has no hash.
  std::optional<HashedInputs> hashed_inputs(const Derivation& derivation) const;
  InputFacts facts_of(const Derivation& derivation) const;
  std::string hash_of_input(const Derivation& derivation) const;
};

void DerivationHasher::State::learn_inputs(const Derivation& derivation) {
  for (const auto& [path, outputs] : derivation.input_derivations) {
    if (!known.contains(path)) learn(path);
  }
}

// Depth first with a stack of its own: graphs may be deeper than the thread's stack allows.
void DerivationHasher::State::learn(const StorePath& input) {
  open.clear();
  std::vector<std::unique_ptr<Visit>> visits;
  visits.push_back(begin_visit(input));
  while (!visits.empty()) {
    Visit& visit = *visits.back();
    if (visit.next != visit.derivation->input_derivations.cend()) {
      const StorePath& path = (visit.next++)->first;
      if (!known.contains(path)) visits.push_back(begin_visit(path));
      continue;
    }
    try {
      known.emplace(visit.path, facts_of(*visit.derivation));
    } catch (Error& error) {
      error.set_subject_if_empty(store_dir.print(visit.path));
      throw;
    }
    open.erase(visit.path);
    visits.pop_back();
  }
}

std::unique_ptr<Visit> DerivationHasher::State::begin_visit(const StorePath& path) {
  if (!open.insert(path).second) {
    throw Error(Code::invalid_derivation, "the derivation is among its own inputs")
        .about(store_dir.print(path));
  }
  std::shared_ptr<const Derivation> derivation = lend(path);
  try {
    check_derivation(*derivation);
  } catch (Error& error) {
    error.add_context("input derivation '" + store_dir.print(path) + "'");
    throw;
  }
  return std::make_unique<Visit>(path, std::move(derivation), purpose);
}

std::optional<HashedInputs> DerivationHasher::State::hashed_inputs(
    const Derivation& derivation) const {
  HashedInputs inputs;
  bool all_known = derivation.dynamic_inputs.empty();
  for (const auto& [path, outputs] : derivation.input_derivations) {
    const InputFacts& facts = known.at(path);
    for (const std::string& output : outputs) {
      if (facts.outputs.contains(output)) continue;
      throw Error(Code::invalid_derivation, "derivation '" + derivation.name + "' wants output '" +
                                                output +
                                                "' of an input derivation that has no such output")
          .about(store_dir.print(path));
    }
    if (facts.hash.empty()) {
      all_known = false;
    } else {
      inputs[facts.hash].insert(outputs.begin(), outputs.end());
    }
  }
  if (!all_known) return std::nullopt;
  return inputs;
}

InputFacts DerivationHasher::State::facts_of(const Derivation& derivation) const {
  InputFacts facts;
  for (const auto& [output, value] : derivation.outputs) facts.outputs.insert(output);
  facts.hash = hash_of_input(derivation);
  return facts;
}

std::string DerivationHasher::State::hash_of_input(const Derivation& derivation) const {
  if (derivation.is_fixed()) return fixed_output_hash(store_dir, derivation);
  if (!depends_on_inputs(derivation, purpose)) {
    return purpose == Purpose::output_paths ? std::string() : hash_text(impure_text);
  }
  const std::optional<HashedInputs> inputs = hashed_inputs(derivation);
  if (purpose == Purpose::realisation_keys || is_deferred(derivation) == !inputs) {
    if (!inputs) return {};
    return hash_text(
        write_hashed_derivation(derivation, store_dir, *inputs, OutputFields::printed));
  }
  throw Error(Code::invalid_derivation,
              inputs ? "the output paths of an input derivation are not filled in"
                     : "the output paths of an input derivation are filled in although they are "
                       "only known once its own inputs are built");
}

DerivationHasher::DerivationHasher(StoreDir store_dir, ReadDerivation read)
    : DerivationHasher(
          lending(std::move(store_dir), [read = std::move(read)](const StorePath& path) {
            return std::make_shared<const Derivation>(read(path));
          })) {}
DerivationHasher::DerivationHasher(std::unique_ptr<State> state) : state_(std::move(state)) {}
DerivationHasher DerivationHasher::lending(StoreDir store_dir, LendDerivation lend) {
  return DerivationHasher(std::make_unique<State>(State{std::move(store_dir), std::move(lend)}));
}
DerivationHasher::DerivationHasher(DerivationHasher&&) noexcept = default;
DerivationHasher::~DerivationHasher() = default;

std::map<std::string, StorePath> DerivationHasher::output_paths(const Derivation& derivation) {
  check_derivation(derivation);
  const StoreDir& store_dir = state_->store_dir;
  if (derivation.is_fixed()) return {{"out", *derivation.output_path(store_dir, "out")}};
  if (!depends_on_inputs(derivation, Purpose::output_paths)) return {};
  state_->learn_inputs(derivation);
  const std::optional<HashedInputs> inputs = state_->hashed_inputs(derivation);
  if (!inputs) return {};
  const std::string text =
      write_hashed_derivation(derivation, store_dir, *inputs, OutputFields::masked);
  const Hash hash = hash_bytes(HashAlgorithm::sha256, as_bytes(text));
  std::map<std::string, StorePath> paths;
  for (const auto& [output, value] : derivation.outputs) {
    paths.emplace(output, make_output_path(store_dir, output, hash, derivation.name));
  }
  return paths;
}

void DerivationHasher::remember(const StorePath& path, const Derivation& derivation) {
  if (state_->known.contains(path)) return;
  if (depends_on_inputs(derivation, state_->purpose)) state_->learn_inputs(derivation);
  state_->known.emplace(path, state_->facts_of(derivation));
}

void DerivationHasher::fill_in_outputs(Derivation& derivation) {
  const StoreDir& store_dir = state_->store_dir;
  Derivation filled = derivation;
  // A variable that is missing must be there when the hash is taken: its name is part of it.
  for (const auto& [output, value] : filled.outputs) filled.environment.try_emplace(output);
  const std::map<std::string, StorePath> paths = output_paths(filled);
  if (paths.empty()) return refuse_filled_in(derivation);
  for (const auto& [output, path] : paths) {
    DerivationOutput& value = filled.outputs.at(output);
    if (std::holds_alternative<DeferredOutput>(value)) value = InputAddressedOutput{path};
    std::string& variable = filled.environment.at(output);
    if (variable.empty()) variable = store_dir.print(path);
    check_output(filled, store_dir, output, path);
  }
  derivation = std::move(filled);
}

void DerivationHasher::check_outputs(const Derivation& derivation) {
  const std::map<std::string, StorePath> paths = output_paths(derivation);
  if (paths.empty()) return refuse_filled_in(derivation);
  for (const auto& [output, path] : paths) {
    check_output(derivation, state_->store_dir, output, path);
  }
}

std::map<std::string, Hash> DerivationHasher::realisation_hashes(const Derivation& derivation) {
  check_derivation(derivation);
  if (!state_->for_keys) {
    state_->for_keys =
        std::make_unique<State>(State{state_->store_dir, state_->lend, Purpose::realisation_keys});
  }
  State& state = *state_->for_keys;
  std::string hash;
  if (derivation.is_fixed() || !depends_on_inputs(derivation, state.purpose)) {
    hash = state.hash_of_input(derivation);
  } else {
    state.learn_inputs(derivation);
    const std::optional<HashedInputs> inputs = state.hashed_inputs(derivation);
    if (!inputs) return {};
    hash = hash_text(
        write_hashed_derivation(derivation, state.store_dir, *inputs, OutputFields::masked));
  }
  std::map<std::string, Hash> hashes;
  for (const auto& [output, value] : derivation.outputs) {
    hashes.emplace(output, Hash::parse("sha256:" + hash));
  }
  return hashes;
}

}  // namespace cinch
