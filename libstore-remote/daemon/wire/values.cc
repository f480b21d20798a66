#include "wire/values.hh"

#include <cinch/core/error.hh>

#include <array>
#include <utility>

#include <nlohmann/json.hpp>

namespace cinch::wire {
namespace {

// Reads a text and parses it. What `parse` throws then has the offset in the stream.
template <class Parse>
auto read_parsed(Decoder& decoder, std::uint64_t bytes_max, Parse parse) {
  const std::string text = decoder.text(bytes_max);
  const std::uint64_t padded = (text.size() + 7) / 8 * 8;
  const std::uint64_t start = decoder.offset() - padded;
  try {
    return parse(text);
  } catch (Error& error) {
    const std::uint64_t offset = start + error.offset().value_or(0);
    throw std::move(error).at(offset);
  }
}

// Where a version names derivations by hash but we know them by path, Nix too writes this.
const Hash& no_derivation_hash() {
  static const std::array<std::byte, 32> zeros{};
  static const Hash hash(HashAlgorithm::sha256, zeros);
  return hash;
}

std::string read_output_name(Decoder& decoder) {
  return read_parsed(decoder, name_bytes_max, [](const std::string& name) {
    check_store_path_name(name);
    return name;
  });
}

std::set<Signature> signatures_of(const BuildResult& result, const std::string& output) {
  const auto found = result.signatures.find(output);
  return found == result.signatures.end() ? std::set<Signature>() : found->second;
}

void add_output(BuildResult& result, const std::string& name, StorePath path,
                std::set<Signature> signatures) {
  result.outputs.insert_or_assign(name, std::move(path));
  if (signatures.empty()) {
    result.signatures.erase(name);
  } else {
    result.signatures.insert_or_assign(name, std::move(signatures));
  }
}

void write_outputs_by_path(Encoder& encoder, const Dialect& dialect, const BuildResult& result) {
  encoder.number(result.outputs.size());
  for (const auto& [name, path] : result.outputs) {
    encoder.text(name);
    write_path(encoder, dialect, path);
    write_signatures(encoder, signatures_of(result, name));
  }
}

// Nix writes no more than this; signatures are added where there are any.
std::string print_output(const BuildResult& result, const HashedRealisationKey& key,
                         const StorePath& path) {
  nlohmann::json json = {{"id", key.to_string()}, {"outPath", path.base_name()}};
  for (const Signature& signature : signatures_of(result, key.output)) {
    json["signatures"].push_back(signature.to_string());
  }
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void write_outputs_by_hash(Encoder& encoder, const BuildResult& result) {
  encoder.number(result.outputs.size());
  for (const auto& [name, path] : result.outputs) {
    const HashedRealisationKey key{.derivation_hash = no_derivation_hash(), .output = name};
    write_hashed_key(encoder, key);
    encoder.text(print_output(result, key, path));
  }
}

void read_outputs_by_path(Decoder& decoder, const Dialect& dialect, BuildResult& result) {
  for (std::uint64_t left = decoder.count(list_count_max); left > 0; --left) {
    const std::string name = read_output_name(decoder);
    StorePath path = read_path(decoder, dialect);
    add_output(result, name, std::move(path), read_signatures(decoder));
  }
}

HashedRealisation read_realisation_json(Decoder& decoder) {
  return read_parsed(decoder, realisation_json_bytes_max,
                     [](const std::string& text) { return parse_hashed_realisation_json(text); });
}

void read_outputs_by_hash(Decoder& decoder, BuildResult& result) {
  for (std::uint64_t left = decoder.count(list_count_max); left > 0; --left) {
    const HashedRealisationKey key = read_hashed_key(decoder);
    HashedRealisation realisation = read_realisation_json(decoder);
    if (realisation.key != key) {
      throw Error(Code::malformed, "a realisation is listed under the key of another one")
          .about(key.to_string())
          .at(decoder.offset());
    }
    add_output(result, key.output, std::move(realisation.path), std::move(realisation.signatures));
  }
}

BuildResultForm form_of(const Dialect& dialect) {
  BuildResultForm form{.times = dialect.minor >= since_build_times,
                       .cpu_times = dialect.minor >= since_cpu_times};
  if (dialect.minor >= since_built_outputs) form.outputs = BuiltOutputs::by_hash;
  if (dialect.realisation_with_path) form.outputs = BuiltOutputs::by_path;
  return form;
}

void write_optional_time(Encoder& encoder, const std::optional<std::chrono::microseconds>& time) {
  encoder.flag(time.has_value());
  if (time) encoder.number(static_cast<std::uint64_t>(time->count()));
}

std::optional<std::chrono::microseconds> read_optional_time(Decoder& decoder) {
  if (decoder.number(1, "the tag of an optional value") == 0) return std::nullopt;
  return std::chrono::microseconds(static_cast<std::int64_t>(decoder.number()));
}

}  // namespace

void write_path(Encoder& encoder, const Dialect& dialect, const StorePath& path) {
  encoder.text(dialect.store_dir.print(path));
}

StorePath read_path(Decoder& decoder, const Dialect& dialect) {
  return read_parsed(decoder, name_bytes_max,
                     [&](const std::string& text) { return dialect.store_dir.parse(text); });
}

void write_optional_path(Encoder& encoder, const Dialect& dialect,
                         const std::optional<StorePath>& path) {
  encoder.text(path ? dialect.store_dir.print(*path) : std::string());
}

std::optional<StorePath> read_optional_path(Decoder& decoder, const Dialect& dialect) {
  return read_parsed(decoder, name_bytes_max, [&](const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(dialect.store_dir.parse(text));
  });
}

void write_optional_content_address(Encoder& encoder,
                                    const std::optional<ContentAddress>& address) {
  encoder.text(address ? address->to_string() : std::string());
}

std::optional<ContentAddress> read_optional_content_address(Decoder& decoder) {
  return read_parsed(decoder, name_bytes_max, [](const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(ContentAddress::parse(text));
  });
}

void write_paths(Encoder& encoder, const Dialect& dialect, const StorePathSet& paths) {
  encoder.number(paths.size());
  for (const StorePath& path : paths) write_path(encoder, dialect, path);
}

StorePathSet read_paths(Decoder& decoder, const Dialect& dialect) {
  StorePathSet paths;
  for (std::uint64_t left = decoder.count(list_count_max); left > 0; --left) {
    paths.insert(paths.end(), read_path(decoder, dialect));
  }
  return paths;
}

std::vector<std::string> read_texts(Decoder& decoder, std::uint64_t bytes_max) {
  std::vector<std::string> texts;
  for (std::uint64_t left = decoder.count(list_count_max); left > 0; --left) {
    texts.push_back(decoder.text(bytes_max));
  }
  return texts;
}

void write_signatures(Encoder& encoder, const std::set<Signature>& signatures) {
  std::set<std::string> texts;
  for (const Signature& signature : signatures) texts.insert(signature.to_string());
  encoder.texts(texts);
}

std::set<Signature> read_signatures(Decoder& decoder) {
  std::set<Signature> signatures;
  for (std::uint64_t left = decoder.count(list_count_max); left > 0; --left) {
    signatures.insert(read_parsed(decoder, name_bytes_max, Signature::parse));
  }
  return signatures;
}

void write_path_info(Encoder& encoder, const Dialect& dialect, const PathInfo& info) {
  write_optional_path(encoder, dialect, info.deriver);
  encoder.text(info.nar_hash.digest_text(HashFormat::base16));
  write_paths(encoder, dialect, info.references);
  encoder.number(static_cast<std::uint64_t>(info.registration_time));
  encoder.number(info.nar_size);
  encoder.flag(info.ultimate);
  write_signatures(encoder, info.signatures);
  write_optional_content_address(encoder, info.content_address);
}

PathInfo read_path_info(Decoder& decoder, const Dialect& dialect, StorePath path) {
  std::optional<StorePath> deriver = read_optional_path(decoder, dialect);
  const Hash nar_hash = read_parsed(decoder, name_bytes_max, [](const std::string& text) {
    return Hash::parse_digest(text, HashAlgorithm::sha256);
  });
  PathInfo info{.path = std::move(path), .nar_hash = nar_hash, .deriver = std::move(deriver)};
  info.references = read_paths(decoder, dialect);
  info.registration_time = static_cast<std::int64_t>(decoder.number());
  info.nar_size = decoder.number();
  info.ultimate = decoder.flag();
  info.signatures = read_signatures(decoder);
  info.content_address = read_optional_content_address(decoder);
  return info;
}

void write_deriving_path(Encoder& encoder, const Dialect& dialect, const DerivingPath& path) {
  if (dialect.minor >= since_output_syntax) {
    return encoder.text(print_deriving_path(path, dialect.store_dir, '!'));
  }
  if (const auto* opaque = std::get_if<OpaquePath>(&path)) {
    if (opaque->path.is_derivation()) {
      throw Error(Code::not_supported,
                  "the daemon is too old to be asked for a derivation without building it")
          .about(dialect.store_dir.print(opaque->path));
    }
    return write_path(encoder, dialect, opaque->path);
  }
  const BuiltPath& built = std::get<BuiltPath>(path);
  if (std::holds_alternative<AllOutputs>(built.outputs)) {
    return write_path(encoder, dialect, built.derivation);
  }
  encoder.text(print_deriving_path(path, dialect.store_dir, '!'));
}

DerivingPath read_deriving_path(Decoder& decoder, const Dialect& dialect) {
  DerivingPath path = read_parsed(decoder, text_bytes_max, [&](const std::string& text) {
    return parse_deriving_path(text, dialect.store_dir, '!');
  });
  if (dialect.minor >= since_output_syntax) return path;
  const auto* opaque = std::get_if<OpaquePath>(&path);
  if (opaque && opaque->path.is_derivation()) return BuiltPath{opaque->path, AllOutputs{}};
  return path;
}

std::vector<DerivingPath> read_deriving_paths(Decoder& decoder, const Dialect& dialect) {
  std::vector<DerivingPath> paths;
  for (std::uint64_t left = decoder.count(list_count_max); left > 0; --left) {
    paths.push_back(read_deriving_path(decoder, dialect));
  }
  return paths;
}

void write_build_result(Encoder& encoder, const Dialect& dialect, const BuildResult& result) {
  write_build_result(encoder, dialect, form_of(dialect), result);
}

BuildResult read_build_result(Decoder& decoder, const Dialect& dialect, DerivingPath wanted) {
  return read_build_result(decoder, dialect, form_of(dialect), std::move(wanted));
}

void write_build_result(Encoder& encoder, const Dialect& dialect, const BuildResultForm& form,
                        const BuildResult& result) {
  encoder.number(static_cast<std::uint64_t>(result.status));
  encoder.text(result.error_message);
  if (form.times) {
    encoder.number(result.times_built);
    encoder.flag(result.is_non_deterministic);
    encoder.number(static_cast<std::uint64_t>(result.start_time));
    encoder.number(static_cast<std::uint64_t>(result.stop_time));
  }
  if (form.cpu_times) {
    write_optional_time(encoder, result.cpu_user);
    write_optional_time(encoder, result.cpu_system);
  }
  if (form.outputs == BuiltOutputs::by_path) {
    write_outputs_by_path(encoder, dialect, result);
  } else if (form.outputs == BuiltOutputs::by_hash) {
    write_outputs_by_hash(encoder, result);
  }
}

BuildResult read_build_result(Decoder& decoder, const Dialect& dialect, const BuildResultForm& form,
                              DerivingPath wanted) {
  BuildResult result{.wanted = std::move(wanted)};
  result.status = static_cast<BuildStatus>(decoder.number(
      static_cast<std::uint64_t>(BuildStatus::no_substituters), "the status of a build"));
  result.error_message = decoder.text(text_bytes_max);
  if (form.times) {
    result.times_built =
        static_cast<std::uint32_t>(decoder.number(UINT32_MAX, "the number of times built"));
    result.is_non_deterministic = decoder.flag();
    result.start_time = static_cast<std::int64_t>(decoder.number());
    result.stop_time = static_cast<std::int64_t>(decoder.number());
  }
  if (form.cpu_times) {
    result.cpu_user = read_optional_time(decoder);
    result.cpu_system = read_optional_time(decoder);
  }
  if (form.outputs == BuiltOutputs::by_path) {
    read_outputs_by_path(decoder, dialect, result);
  } else if (form.outputs == BuiltOutputs::by_hash) {
    read_outputs_by_hash(decoder, result);
  }
  return result;
}

void write_realisation_key(Encoder& encoder, const Dialect& dialect, const RealisationKey& key) {
  write_path(encoder, dialect, key.derivation);
  encoder.text(key.output);
}

RealisationKey read_realisation_key(Decoder& decoder, const Dialect& dialect) {
  const std::uint64_t start = decoder.offset();
  StorePath derivation = read_path(decoder, dialect);
  if (!derivation.is_derivation()) {
    throw Error(Code::malformed, "only a derivation has outputs; its name must end in '.drv'")
        .about(derivation.base_name())
        .at(start);
  }
  return {.derivation = std::move(derivation), .output = read_output_name(decoder)};
}

void write_realisation_value(Encoder& encoder, const Dialect& dialect,
                             const Realisation& realisation) {
  write_path(encoder, dialect, realisation.path);
  write_signatures(encoder, realisation.signatures);
}

Realisation read_realisation_value(Decoder& decoder, const Dialect& dialect, RealisationKey key) {
  StorePath path = read_path(decoder, dialect);
  return {.key = std::move(key), .path = std::move(path), .signatures = read_signatures(decoder)};
}

void write_realisation(Encoder& encoder, const Dialect& dialect, const Realisation& realisation) {
  write_realisation_key(encoder, dialect, realisation.key);
  write_realisation_value(encoder, dialect, realisation);
}

Realisation read_realisation(Decoder& decoder, const Dialect& dialect) {
  RealisationKey key = read_realisation_key(decoder, dialect);
  return read_realisation_value(decoder, dialect, std::move(key));
}

void write_hashed_key(Encoder& encoder, const HashedRealisationKey& key) {
  encoder.text(key.to_string());
}

HashedRealisationKey read_hashed_key(Decoder& decoder) {
  return read_parsed(decoder, name_bytes_max, HashedRealisationKey::parse);
}

void write_hashed_realisation(Encoder& encoder, const Dialect& dialect,
                              const HashedRealisation& realisation) {
  if (dialect.minor >= since_realisation_values) {
    return encoder.text(print_hashed_realisation_json(realisation));
  }
  write_hashed_key(encoder, realisation.key);
  write_path(encoder, dialect, realisation.path);
}

HashedRealisation read_hashed_realisation(Decoder& decoder, const Dialect& dialect) {
  if (dialect.minor >= since_realisation_values) return read_realisation_json(decoder);
  HashedRealisationKey key = read_hashed_key(decoder);
  StorePath path = read_path(decoder, dialect);
  return {.key = std::move(key), .path = std::move(path), .signatures = {}, .dependencies = {}};
}

BuildMode read_build_mode(Decoder& decoder) {
  return static_cast<BuildMode>(
      decoder.number(static_cast<std::uint64_t>(BuildMode::check), "the build mode"));
}

Trust read_trust(Decoder& decoder) {
  return static_cast<Trust>(
      decoder.number(static_cast<std::uint64_t>(Trust::not_trusted), "the trust flag"));
}

void write_missing_plan(Encoder& encoder, const Dialect& dialect, const MissingPlan& plan) {
  write_paths(encoder, dialect, plan.will_build);
  write_paths(encoder, dialect, plan.will_substitute);
  write_paths(encoder, dialect, plan.unknown);
  encoder.number(plan.download_bytes);
  encoder.number(plan.nar_bytes);
}

MissingPlan read_missing_plan(Decoder& decoder, const Dialect& dialect) {
  MissingPlan plan;
  plan.will_build = read_paths(decoder, dialect);
  plan.will_substitute = read_paths(decoder, dialect);
  plan.unknown = read_paths(decoder, dialect);
  plan.download_bytes = decoder.number();
  plan.nar_bytes = decoder.number();
  return plan;
}

std::string print_add_method(ContentAddressMethod method, HashAlgorithm algorithm) {
  if (method == ContentAddressMethod::text) return "text:" + std::string(to_string(algorithm));
  return "fixed:" + std::string(method_prefix(method)) + std::string(to_string(algorithm));
}

AddMethod parse_add_method(std::string_view text) {
  const auto strip = [&text](std::string_view prefix) {
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
  };
  const std::string whole(text);
  if (strip("text:")) return {ContentAddressMethod::text, parse_hash_algorithm(text)};
  if (!strip("fixed:")) {
    throw Error(Code::malformed, "the way to add content is not 'text:' or 'fixed:'").about(whole);
  }
  if (strip("git:")) {
    throw Error(Code::not_supported, "content cannot be addressed by git's hashes").about(whole);
  }
  if (strip("r:")) return {ContentAddressMethod::nar, parse_hash_algorithm(text)};
  return {ContentAddressMethod::flat, parse_hash_algorithm(text)};
}

}  // namespace cinch::wire
