#include "wire/values.hh"

#include <cinch/core/error.hh>

#include <utility>

#include <nlohmann/json.hpp>

namespace cinch::wire {
namespace {

// Where a version names derivations by hash but we know them by path, Nix too writes this.
constexpr std::string_view dummy_derivation_hash =
    "sha256:0000000000000000000000000000000000000000000000000000000000000000";

std::string dummy_realisation_id(const std::string& output) {
  return std::string(dummy_derivation_hash) + "!" + output;
}

void write_outputs_by_path(Encoder& encoder, const Dialect& dialect, const BuildResult& result) {
  encoder.number(result.outputs.size());
  for (const auto& [name, path] : result.outputs) {
    encoder.text(name);
    write_path(encoder, dialect, path);
    encoder.number(0);  // no signatures
  }
}

void write_outputs_by_hash(Encoder& encoder, const BuildResult& result) {
  encoder.number(result.outputs.size());
  for (const auto& [name, path] : result.outputs) {
    const std::string id = dummy_realisation_id(name);
    encoder.text(id);
    encoder.text(nlohmann::json{{"id", id}, {"outPath", path.base_name()}}.dump());
  }
}

std::map<std::string, StorePath> read_outputs_by_path(Decoder& decoder, const Dialect& dialect) {
  std::map<std::string, StorePath> outputs;
  for (std::uint64_t left = decoder.count(list_count_max); left > 0; --left) {
    std::string name = decoder.text(name_bytes_max);
    outputs.insert_or_assign(std::move(name), read_path(decoder, dialect));
    read_signatures(decoder);
  }
  return outputs;
}

StorePath parse_realisation_path(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  const auto path = json.is_object() ? json.find("outPath") : json.end();
  if (path == json.end() || !path->is_string()) {
    throw Error(Code::malformed, "a realisation is not an object with an 'outPath'").about(text);
  }
  return StorePath::parse(path->get_ref<const std::string&>());
}

std::map<std::string, StorePath> read_outputs_by_hash(Decoder& decoder) {
  std::map<std::string, StorePath> outputs;
  for (std::uint64_t left = decoder.count(list_count_max); left > 0; --left) {
    const std::string id = decoder.text(name_bytes_max);
    const std::size_t separator = id.find('!');
    if (separator == std::string::npos) {
      throw Error(Code::malformed, "a realisation's id has no '!'").about(id);
    }
    outputs.insert_or_assign(id.substr(separator + 1),
                             parse_realisation_path(decoder.text(text_bytes_max)));
  }
  return outputs;
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
  return dialect.store_dir.parse(decoder.text(name_bytes_max));
}

void write_optional_path(Encoder& encoder, const Dialect& dialect,
                         const std::optional<StorePath>& path) {
  encoder.text(path ? dialect.store_dir.print(*path) : std::string());
}

std::optional<StorePath> read_optional_path(Decoder& decoder, const Dialect& dialect) {
  const std::string text = decoder.text(name_bytes_max);
  if (text.empty()) return std::nullopt;
  return dialect.store_dir.parse(text);
}

void write_optional_content_address(Encoder& encoder,
                                    const std::optional<ContentAddress>& address) {
  encoder.text(address ? address->to_string() : std::string());
}

std::optional<ContentAddress> read_optional_content_address(Decoder& decoder) {
  const std::string text = decoder.text(name_bytes_max);
  if (text.empty()) return std::nullopt;
  return ContentAddress::parse(text);
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
  for (const std::string& text : read_texts(decoder, name_bytes_max)) {
    signatures.insert(Signature::parse(text));
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
  const Hash nar_hash = Hash::parse_digest(decoder.text(name_bytes_max), HashAlgorithm::sha256);
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
  DerivingPath path = parse_deriving_path(decoder.text(text_bytes_max), dialect.store_dir, '!');
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
  encoder.number(static_cast<std::uint64_t>(result.status));
  encoder.text(result.error_message);
  if (dialect.minor >= since_build_times) {
    encoder.number(result.times_built);
    encoder.flag(result.status == BuildStatus::not_deterministic);
    encoder.number(static_cast<std::uint64_t>(result.start_time));
    encoder.number(static_cast<std::uint64_t>(result.stop_time));
  }
  if (dialect.minor >= since_cpu_times) {
    write_optional_time(encoder, result.cpu_user);
    write_optional_time(encoder, result.cpu_system);
  }
  if (dialect.realisation_with_path) {
    write_outputs_by_path(encoder, dialect, result);
  } else if (dialect.minor >= since_built_outputs) {
    write_outputs_by_hash(encoder, result);
  }
}

BuildResult read_build_result(Decoder& decoder, const Dialect& dialect, DerivingPath wanted) {
  BuildResult result{.wanted = std::move(wanted)};
  result.status = static_cast<BuildStatus>(decoder.number(
      static_cast<std::uint64_t>(BuildStatus::no_substituters), "the status of a build"));
  result.error_message = decoder.text(text_bytes_max);
  if (dialect.minor >= since_build_times) {
    result.times_built =
        static_cast<std::uint32_t>(decoder.number(UINT32_MAX, "the number of times built"));
    decoder.flag();  // whether it is not deterministic: the status says so too
    result.start_time = static_cast<std::int64_t>(decoder.number());
    result.stop_time = static_cast<std::int64_t>(decoder.number());
  }
  if (dialect.minor >= since_cpu_times) {
    result.cpu_user = read_optional_time(decoder);
    result.cpu_system = read_optional_time(decoder);
  }
  if (dialect.realisation_with_path) {
    result.outputs = read_outputs_by_path(decoder, dialect);
  } else if (dialect.minor >= since_built_outputs) {
    result.outputs = read_outputs_by_hash(decoder);
  }
  return result;
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
