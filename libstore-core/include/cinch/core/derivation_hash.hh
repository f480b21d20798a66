// The hash of a derivation modulo its fixed outputs, and what follows from it: output paths.
//
// Two derivations that differ only in how a fixed output is fetched give the same paths; so the
// hash of a derivation is taken of its ATerm with each input derivation replaced by that one's own
// hash (reference: Nix manual, "derivation hash modulo").
#pragma once

#include <cinch/core/derivation.hh>
#include <cinch/core/hash.hh>

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace cinch {

// Computes hashes and output paths, remembering those of inputs, so that a whole graph takes linear
// time. Not for several threads at once.
class CINCH_CORE_API DerivationHasher {
 public:
  using ReadDerivation = std::function<Derivation(const StorePath&)>;
  using LendDerivation = std::function<std::shared_ptr<const Derivation>(const StorePath&)>;

  // `read` gets an input derivation; it is called at most once for each path.
  DerivationHasher(StoreDir store_dir, ReadDerivation read);
  // For who has the derivations already: nothing is copied. `lend` must not give null.
  static DerivationHasher lending(StoreDir store_dir, LendDerivation lend);
  DerivationHasher(DerivationHasher&&) noexcept;
  ~DerivationHasher();

  // The paths that the outputs should have; nothing if they are only known once something is built:
  // floating and impure outputs, and all that depends on such ones or on dynamic derivations.
  // Ignores paths that the derivation has now, and the values of environment variables that are
  // named like outputs.
  // Throws Code::invalid_derivation if an input has no output of the wanted name.
  std::map<std::string, StorePath> output_paths(const Derivation& derivation);

  // Fills in the paths of deferred outputs and sets the environment variables named like them.
  // Such a variable may be absent or empty before; any value but the right one is refused with
  // Code::invalid_derivation. Changes nothing where the paths cannot be known yet.
  void fill_in_outputs(Derivation& derivation);

  // Throws Code::invalid_derivation unless all output paths, and the environment variables named
  // like outputs, are what they should be; the message has both paths. Where paths cannot be known
  // yet, there must be none.
  void check_outputs(const Derivation& derivation);

  // What stands for the derivation in the keys of realisations by hash, for each output: also of
  // floating outputs, and what depends on them, whose inputs are read for that. Nothing where there
  // are dynamic inputs: whoever has such ones keys realisations by path.
  std::map<std::string, Hash> realisation_hashes(const Derivation& derivation);

  // For who has a derivation at hand that will be an input: nothing will be read for it. It must
  // have passed check_derivation() and check_outputs(), and must be the one at `path`.
  void remember(const StorePath& path, const Derivation& derivation);

 private:
  struct State;
  explicit DerivationHasher(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cinch
