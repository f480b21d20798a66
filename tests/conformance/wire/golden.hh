// The golden files of the protocols, and the JSON beside them.
#pragma once

#include "catch.hh"
#include "vectors.hh"
#include "wire/decoder.hh"
#include "wire/encoder.hh"

#include <functional>
#include <string>

#include <nlohmann/json.hpp>

namespace cinch::test {

inline std::string read_vector(const std::string& folder, const std::string& name) {
  return read_file(vectors() / "nix/libstore-tests/data" / folder / name);
}

inline nlohmann::json read_json(const std::string& folder, const std::string& name) {
  return nlohmann::json::parse(read_vector(folder, name + ".json"));
}

// Checks that `name`.bin holds the items of `name`.json one after the other: `read` compares one
// item with its JSON and writes it again.
using CheckItem = std::function<void(wire::Decoder&, wire::Encoder&, const nlohmann::json&)>;
inline void check_vector(const std::string& folder, const std::string& name,
                         const CheckItem& read) {
  CAPTURE(folder, name);
  const std::string bytes = read_vector(folder, name + ".bin");
  StringSource source(bytes);
  wire::Decoder decoder(source);
  wire::Encoder encoder;
  for (const nlohmann::json& item : read_json(folder, name)) {
    CAPTURE(item.dump());
    read(decoder, encoder, item);
  }
  CHECK(decoder.at_end());
  CHECK(as_text(encoder.bytes()) == bytes);
}

// The same for a document that is one item.
inline void check_document(const std::string& folder, const std::string& name,
                           const CheckItem& read) {
  CAPTURE(folder, name);
  const std::string bytes = read_vector(folder, name + ".bin");
  StringSource source(bytes);
  wire::Decoder decoder(source);
  wire::Encoder encoder;
  read(decoder, encoder, read_json(folder, name));
  CHECK(decoder.at_end());
  CHECK(as_text(encoder.bytes()) == bytes);
}

}  // namespace cinch::test
