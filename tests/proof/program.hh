// What the programs of the proofs share: their arguments, and how they end.
#pragma once

#include <cinch/core/error.hh>

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <random>
#include <string>
#include <string_view>

#include <unistd.h>

namespace cinch::proof {

struct Arguments {
  std::string_view option;  // the one that sets `count`
  std::uint64_t count = 0;
  std::uint64_t seed = 0;
};

inline std::uint64_t parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw Error(Code::invalid_argument, "this is no number").about(std::string(text));
  }
  return number;
}

// Parses `<option> N` and `--seed S`, and runs `body`, whose result is the exit code.
template <class Body>
int run_main(int count, char** words, Arguments arguments, Body body) try {
  arguments.seed = std::random_device()();
  for (int at = 1; at + 1 < count; at += 2) {
    const std::string_view name = words[at];
    if (name == "--seed") {
      arguments.seed = parse_number(words[at + 1]);
    } else if (name == arguments.option) {
      arguments.count = parse_number(words[at + 1]);
    } else {
      throw Error(Code::invalid_argument, "there is no such option").about(std::string(name));
    }
  }
  return body(arguments);
} catch (const std::exception& error) {
  std::cerr << "not ok: " << error.what() << '\n';
  return 1;
}

inline bool has_program(const char* name) {
  return ::access((std::string("/usr/bin/") + name).c_str(), X_OK) == 0;
}

}  // namespace cinch::proof
