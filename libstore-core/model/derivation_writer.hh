// Private to the library: writes the ATerm of a derivation, either as it is or as the hash modulo
// wants it (inputs replaced by hashes, own outputs masked).
#pragma once

#include <cinch/core/derivation.hh>

#include <map>
#include <string>
#include <string_view>

namespace cinch {

enum class OutputFields : std::uint8_t {
  printed,
  masked,  // empty, and so are the environment variables named like outputs
};

// What stands for input derivations: hashes in base16, and the outputs wanted.
using HashedInputs = std::map<std::string_view, OutputNames>;

// With `inputs` in the place of input derivations. REQUIRES: no dynamic inputs.
std::string write_hashed_derivation(const Derivation& derivation, const StoreDir& store_dir,
                                    const HashedInputs& inputs, OutputFields fields);

// The path of a fixed output. Throws Code::invalid_derivation if its content address has none.
StorePath fixed_output_path(const StoreDir& store_dir, std::string_view derivation_name,
                            std::string_view output, const FixedOutput& fixed);

}  // namespace cinch
