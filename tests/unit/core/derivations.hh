// Derivations that several tests build upon.
#pragma once

#include <cinch/core/derivation.hh>

namespace cinch::test {

// Without inputs; its output is not filled in.
inline Derivation simple_derivation(const std::string& name = "simple") {
  Derivation derivation;
  derivation.name = name;
  derivation.outputs = {{"out", DeferredOutput{}}};
  derivation.system = "x86_64-linux";
  derivation.builder = "/bin/sh";
  derivation.arguments = {"-c", "echo hello > $out"};
  derivation.environment = {{"out", ""}, {"name", name}};
  return derivation;
}

// Of the bytes "hello".
inline Derivation fixed_derivation(const std::string& name = "fixed") {
  Derivation derivation = simple_derivation(name);
  derivation.outputs = {
      {"out", FixedOutput{{ContentAddressMethod::nar,
                           hash_bytes(HashAlgorithm::sha256, as_bytes("hello"))}}}};
  derivation.environment["out"] = StoreDir().print(*derivation.output_path(StoreDir(), "out"));
  return derivation;
}

}  // namespace cinch::test
