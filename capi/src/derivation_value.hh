// A derivation behind its handle, and what its getters lend.
#pragma once

#include "model_handles.hh"

#include <cinch/core/derivation.hh>

#include <string>
#include <vector>

struct cinch_derivation {
  cinch_derivation(cinch::StoreDir directory, cinch::Derivation value);
  cinch_derivation(const cinch_derivation& other);
  cinch_derivation& operator=(const cinch_derivation&) = delete;

  // Makes what getters lend; to be called whenever `derivation` has changed.
  void refresh();

  struct Input {
    cinch_path path;
    std::vector<std::string> outputs;
  };
  struct Output {
    std::uint32_t kind = 0;
    std::optional<cinch_content_address> address = std::nullopt;
    std::uint32_t method = 0;
    std::uint32_t algorithm = 0;
  };

  cinch::StoreDir store_dir;
  cinch::Derivation derivation;
  std::vector<cinch_variable> variables;  // views into `derivation`
  std::vector<cinch_path> sources;
  std::vector<Input> inputs;
  cinch_outputs outputs;
  std::vector<Output> output_facts;
};
