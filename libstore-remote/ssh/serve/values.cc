#include "serve/values.hh"

#include <limits>

namespace cinch::serve {
namespace {

constexpr std::uint64_t number_max = std::numeric_limits<std::uint32_t>::max();

// A derivation without outputs means all of them, as before version 1.30 of the worker protocol.
constexpr wire::Minor worker_minor = wire::since_output_syntax - 1;

}  // namespace

wire::Dialect dialect_of(const StoreDir& store_dir) {
  return {.store_dir = store_dir, .minor = worker_minor};
}

wire::BuildResultForm build_result_form(Minor minor) {
  return {.times = minor >= since_build_times,
          .outputs = minor >= since_built_outputs ? wire::BuiltOutputs::by_hash
                                                  : wire::BuiltOutputs::none};
}

void write_path_info(wire::Encoder& encoder, const wire::Dialect& dialect, Minor minor,
                     const PathInfo& info) {
  wire::write_optional_path(encoder, dialect, info.deriver);
  wire::write_paths(encoder, dialect, info.references);
  encoder.number(info.nar_size);  // to be sent: nothing is compressed
  encoder.number(info.nar_size);
  if (minor < since_nar_hash) return;
  encoder.text(info.nar_hash.to_string(HashFormat::nix32));
  wire::write_optional_content_address(encoder, info.content_address);
  wire::write_signatures(encoder, info.signatures);
}

BuildOptions read_build_options(wire::Decoder& decoder, Minor minor) {
  BuildOptions options;
  options.max_silent_time =
      std::chrono::seconds(decoder.number(number_max, "the time of silence in seconds"));
  options.timeout = std::chrono::seconds(decoder.number(number_max, "the build time in seconds"));
  if (minor >= since_log_limit) options.log_bytes_max = decoder.number();
  if (minor >= since_repeats) {
    options.repeats = decoder.number(number_max, "the number of repeated builds");
    decoder.flag();  // whether repeated builds must agree
  }
  if (minor >= since_keep_failed) options.keep_failed = decoder.flag();
  return options;
}

}  // namespace cinch::serve
