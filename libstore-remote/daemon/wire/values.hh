// The model's values as bytes, for every version of the protocol. Writers never fail on a value
// that the model allows, except where a comment says so. Readers throw what the decoder throws, and
// Code::malformed for texts that are no such value; the offset is that in the stream.
#pragma once

#include "wire/decoder.hh"
#include "wire/encoder.hh"
#include "wire/protocol.hh"

#include <cinch/core/build_result.hh>
#include <cinch/core/content_address.hh>
#include <cinch/core/deriving_path.hh>
#include <cinch/core/path_info.hh>
#include <cinch/core/realisation.hh>
#include <cinch/core/realiser.hh>
#include <cinch/core/store.hh>

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace cinch::wire {

void write_path(Encoder& encoder, const Dialect& dialect, const StorePath& path);
StorePath read_path(Decoder& decoder, const Dialect& dialect);

// An empty text stands for none.
void write_optional_path(Encoder& encoder, const Dialect& dialect,
                         const std::optional<StorePath>& path);
std::optional<StorePath> read_optional_path(Decoder& decoder, const Dialect& dialect);
void write_optional_content_address(Encoder& encoder, const std::optional<ContentAddress>& address);
std::optional<ContentAddress> read_optional_content_address(Decoder& decoder);

void write_paths(Encoder& encoder, const Dialect& dialect, const StorePathSet& paths);
StorePathSet read_paths(Decoder& decoder, const Dialect& dialect);
std::vector<std::string> read_texts(Decoder& decoder, std::uint64_t bytes_max);
void write_signatures(Encoder& encoder, const std::set<Signature>& signatures);
std::set<Signature> read_signatures(Decoder& decoder);

// Everything but the path.
void write_path_info(Encoder& encoder, const Dialect& dialect, const PathInfo& info);
PathInfo read_path_info(Decoder& decoder, const Dialect& dialect, StorePath path);

// Throws Code::not_supported where an old version has no way to say it.
void write_deriving_path(Encoder& encoder, const Dialect& dialect, const DerivingPath& path);
DerivingPath read_deriving_path(Decoder& decoder, const Dialect& dialect);
std::vector<DerivingPath> read_deriving_paths(Decoder& decoder, const Dialect& dialect);

// Everything but the wanted path, as far as the version has it. Where outputs are named by
// realisations of the hash-keyed form, the hash is not kept: a row of zeros stands for it, as in
// Nix.
void write_build_result(Encoder& encoder, const Dialect& dialect, const BuildResult& result);
BuildResult read_build_result(Decoder& decoder, const Dialect& dialect, DerivingPath wanted);

// The same for whom the version does not say what a result has.
enum class BuiltOutputs : std::uint8_t { none, by_hash, by_path };
struct BuildResultForm {
  bool times = false;
  bool cpu_times = false;
  BuiltOutputs outputs = BuiltOutputs::none;
};
void write_build_result(Encoder& encoder, const Dialect& dialect, const BuildResultForm& form,
                        const BuildResult& result);
BuildResult read_build_result(Decoder& decoder, const Dialect& dialect, const BuildResultForm& form,
                              DerivingPath wanted);

// An output of a derivation, and what it came out as: with the feature realisation-with-path.
void write_realisation_key(Encoder& encoder, const Dialect& dialect, const RealisationKey& key);
RealisationKey read_realisation_key(Decoder& decoder, const Dialect& dialect);
void write_realisation(Encoder& encoder, const Dialect& dialect, const Realisation& realisation);
Realisation read_realisation(Decoder& decoder, const Dialect& dialect);
// Everything but the key.
void write_realisation_value(Encoder& encoder, const Dialect& dialect,
                             const Realisation& realisation);
Realisation read_realisation_value(Decoder& decoder, const Dialect& dialect, RealisationKey key);

// The same without the feature: a text for the key; a JSON document for the whole, or, before 1.31,
// the key and the path.
void write_hashed_key(Encoder& encoder, const HashedRealisationKey& key);
HashedRealisationKey read_hashed_key(Decoder& decoder);
void write_hashed_realisation(Encoder& encoder, const Dialect& dialect,
                              const HashedRealisation& realisation);
HashedRealisation read_hashed_realisation(Decoder& decoder, const Dialect& dialect);

BuildMode read_build_mode(Decoder& decoder);
Trust read_trust(Decoder& decoder);

void write_missing_plan(Encoder& encoder, const Dialect& dialect, const MissingPlan& plan);
MissingPlan read_missing_plan(Decoder& decoder, const Dialect& dialect);

// How AddToStore says method and algorithm: "text:sha256", "fixed:sha256", "fixed:r:sha256".
std::string print_add_method(ContentAddressMethod method, HashAlgorithm algorithm);
struct AddMethod {
  ContentAddressMethod method;
  HashAlgorithm algorithm;
};
AddMethod parse_add_method(std::string_view text);

}  // namespace cinch::wire
