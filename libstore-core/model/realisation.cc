// Format: docs/formats/realisation.md.
#include "json_values.hh"
#include "refusal.hh"

#include <cinch/core/realisation.hh>

#include <utility>

namespace cinch {

namespace {

constexpr char separator = '^';
constexpr char hashed_separator = '!';

// What stands before and after the last separator; output names never have one.
std::size_t find_separator(std::string_view text, char character) {
  const std::size_t at = text.rfind(character);
  if (at == std::string_view::npos) {
    throw Error(Code::malformed, std::string("expected '") + character +
                                     "' between a derivation and the name of its output")
        .about(excerpt(text))
        .at(text.size());
  }
  return at;
}

std::string parse_output(std::string_view whole, std::size_t start) {
  const std::string_view output = whole.substr(start);
  parse_part(whole, start, [&] { check_store_path_name(output); });
  return std::string(output);
}

void check_derivation(const StorePath& path) {
  if (path.is_derivation()) return;
  throw Error(Code::malformed, "only a derivation has outputs; its name must end in '.drv'")
      .about(path.base_name());
}

// --- JSON ---

Json key_json(const RealisationKey& key) {
  return {{"drvPath", key.derivation.base_name()}, {"outputName", key.output}};
}

Json signatures_json(const std::set<Signature>& signatures, SignatureJson form) {
  Json json = Json::array();
  for (const Signature& signature : signatures) {
    json.push_back(form == SignatureJson::object ? to_json(signature)
                                                 : Json(signature.to_string()));
  }
  return json;
}

Json value_json(const Realisation& realisation) {
  return {{"outPath", realisation.path.base_name()},
          {"signatures", signatures_json(realisation.signatures, SignatureJson::object)}};
}

Json hashed_json(const HashedRealisation& realisation) {
  Json dependencies = Json::object();
  for (const auto& [key, path] : realisation.dependencies) {
    dependencies[key.to_string()] = path.base_name();
  }
  return {{"id", realisation.key.to_string()},
          {"outPath", realisation.path.base_name()},
          {"dependentRealisations", std::move(dependencies)}};
}

// The name of a key is bytes; JSON is not.
std::string dump(const Json& json) {
  try {
    return json.dump();
  } catch (const Json::type_error&) {
    throw Error(Code::invalid_argument,
                "the name of a key is not UTF-8, so that JSON cannot carry it");
  }
}

RealisationKey read_key(const JsonNode& node) {
  const JsonNode derivation = node.require("drvPath");
  RealisationKey key{.derivation = read_base_name(derivation)};
  parse_text(derivation, [&](const std::string&) { check_derivation(key.derivation); });
  key.output = parse_text(node.require("outputName"),
                          [](const std::string& text) { return parse_output(text, 0); });
  return key;
}

Realisation read_value(const JsonNode& node, RealisationKey key) {
  Realisation realisation{.key = std::move(key), .path = read_base_name(node.require("outPath"))};
  if (const auto signatures = node.find("signatures")) {
    realisation.signatures = read_signatures(*signatures);
  }
  return realisation;
}

HashedRealisation read_hashed(const JsonNode& node) {
  const auto parse_key = [](const std::string& text) { return HashedRealisationKey::parse(text); };
  HashedRealisation realisation{.key = parse_text(node.require("id"), parse_key),
                                .path = read_base_name(node.require("outPath"))};
  if (const auto signatures = node.find("signatures")) {
    realisation.signatures = read_signatures(*signatures);
  }
  const auto dependencies = node.find("dependentRealisations");
  if (!dependencies) return realisation;
  for (const auto& [key, path] : dependencies->object()) {
    const Json name = key;
    realisation.dependencies.emplace(parse_text(JsonNode(*dependencies, key, name), parse_key),
                                     read_base_name(JsonNode(*dependencies, key, path)));
  }
  return realisation;
}

}  // namespace

RealisationKey RealisationKey::parse(std::string_view text, const StoreDir& store_dir) {
  const std::size_t at = find_separator(text, separator);
  RealisationKey key{
      .derivation = parse_part(text, 0, [&] { return store_dir.parse(text.substr(0, at)); }),
      .output = parse_output(text, at + 1)};
  parse_part(text, 0, [&] { check_derivation(key.derivation); });
  return key;
}

std::string RealisationKey::to_string(const StoreDir& store_dir) const {
  return store_dir.print(derivation) + separator + output;
}

HashedRealisationKey HashedRealisationKey::parse(std::string_view text) {
  const std::size_t at = find_separator(text, hashed_separator);
  const Hash hash = parse_part(text, 0, [&] { return Hash::parse(text.substr(0, at)); });
  if (hash.algorithm() != HashAlgorithm::sha256) {
    throw Error(Code::malformed, "the hash of a derivation must be of the algorithm sha256")
        .about(excerpt(text))
        .at(0);
  }
  return {.derivation_hash = hash, .output = parse_output(text, at + 1)};
}

std::string HashedRealisationKey::to_string() const {
  return derivation_hash.to_string(HashFormat::base16) + hashed_separator + output;
}

std::string Realisation::fingerprint() const {
  return dump({{"key", key_json(key)}, {"value", {{"outPath", path.base_name()}}}});
}

std::string HashedRealisation::fingerprint() const { return dump(hashed_json(*this)); }

std::string print_realisation_json(const Realisation& realisation) {
  return dump({{"key", key_json(realisation.key)}, {"value", value_json(realisation)}});
}

std::string print_realisation_value_json(const Realisation& realisation) {
  return dump(value_json(realisation));
}

std::string print_hashed_realisation_json(const HashedRealisation& realisation,
                                          SignatureJson signatures) {
  Json json = hashed_json(realisation);
  json["signatures"] = signatures_json(realisation.signatures, signatures);
  return dump(json);
}

Realisation parse_realisation_json(std::string_view json) {
  return read_json(json, realisation_json_bytes_max, [](const JsonNode& root) {
    return read_value(root.require("value"), read_key(root.require("key")));
  });
}

Realisation parse_realisation_value_json(std::string_view json, const RealisationKey& key) {
  return read_json(json, realisation_json_bytes_max,
                   [&](const JsonNode& root) { return read_value(root, key); });
}

HashedRealisation parse_hashed_realisation_json(std::string_view json) {
  return read_json(json, realisation_json_bytes_max, read_hashed);
}

}  // namespace cinch
