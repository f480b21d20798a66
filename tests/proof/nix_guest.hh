// Nix's own program at work on a store that Cinch works on at the same time.
#pragma once

#include "workload.hh"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace cinch::proof {

class NixGuest {
 public:
  // `folder` holds the store's root directory, named "root". All must outlive it.
  NixGuest(std::string folder, std::uint64_t seed, Promises& promises);

  // One operation, drawn. Throws if Nix fails at what it must be able to do.
  void step();

 private:
  struct Answer {
    bool good;
    std::string text;  // one line of output, or what went wrong
  };
  Answer run(const std::vector<std::string>& words) const;
  std::string require(const std::vector<std::string>& words) const;
  void collect();
  void optimise();
  void add_and_root();
  void remove_root();

  std::string folder_;
  std::mt19937_64 random_;
  Promises& promises_;
};

}  // namespace cinch::proof
