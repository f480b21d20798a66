// Resolution: once the inputs of a derivation are built, it is rewritten so that it needs their
// outputs instead of their derivations. Derivations whose inputs came out the same resolve to the
// same, and are built once.
#pragma once

#include <cinch/core/derivation.hh>
#include <cinch/core/export.hh>

#include <functional>
#include <optional>
#include <string_view>

namespace cinch {

// The path that an output of this derivation came out with; empty if that is not known.
using FindRealisedOutput =
    std::function<std::optional<StorePath>(const StorePath& derivation, std::string_view output)>;

// Whether the derivation can only be built once it is resolved: it has inputs that are derivations,
// and its own paths are not known, or outputs of outputs are among its inputs.
CINCH_CORE_API bool needs_resolution(const Derivation& derivation);

// The derivation with the outputs of its inputs as sources; placeholders of these outputs are
// replaced by their paths in the builder, the arguments, and names and values of variables;
// deferred outputs are filled in. Empty if the path of one of them is not known. An output of an
// output is looked for as that of the derivation that the outer output came out as.
// Throws Code::invalid_derivation for a derivation that breaks a rule, and if an output that must
// be a derivation is none.
CINCH_CORE_API std::optional<Derivation> resolve_derivation(const Derivation& derivation,
                                                            const StoreDir& store_dir,
                                                            const FindRealisedOutput& find);

}  // namespace cinch
