// From content to its content address: how an object that is written as a NAR is hashed, by each
// method, also when the object mentions its own path.
// Format: docs/formats/content-address.md.
#pragma once

#include <cinch/core/content_address.hh>
#include <cinch/core/export.hh>
#include <cinch/core/hash.hh>
#include <cinch/core/stream.hh>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cinch {

// Hashes a stream "modulo" a hash part: each occurrence counts as 32 NUL bytes, and the offsets of
// all follow at the end, each as "|<offset>" in decimal. So the hash of an object that mentions its
// own path does not depend on that path, and objects that differ in anything else, the places where
// they mention it included, have different hashes. Memory: 8 bytes an occurrence.
class CINCH_CORE_API ModuloHasher final : public Sink {
 public:
  // Throws Code::invalid_argument unless the hash part is 32 nix32 characters.
  ModuloHasher(HashAlgorithm algorithm, std::string_view hash_part);
  ~ModuloHasher() override;

  void write(Bytes bytes) override;
  // The object is used up then.
  Hash finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct ContentAddressHashing {
  ContentAddressMethod method = ContentAddressMethod::nar;
  HashAlgorithm algorithm = HashAlgorithm::sha256;
  // The hash part of the object's path, if the object mentions it: for the method nar only.
  std::optional<std::string> self = std::nullopt;
};

// Computes the content address of the object whose NAR is written to it. The methods text and flat
// stand for a regular file that is not executable; git for that, or a directory: its hash of
// another root would not tell the root's kind, so that two different objects could share a path.
// Any other object is refused with Code::invalid_argument, as soon as it shows. With these methods,
// what is no NAR is refused as the NarReader does.
class CINCH_CORE_API ContentAddressHasher final : public Sink {
 public:
  // Throws Code::invalid_argument for a method and algorithm, or a self-reference, that do not go
  // together (check_content_address_algorithm).
  explicit ContentAddressHasher(const ContentAddressHashing& how);
  ContentAddressHasher(ContentAddressHasher&&) noexcept;
  ~ContentAddressHasher() override;

  void write(Bytes nar) override;
  // The object is used up then.
  ContentAddress finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cinch
