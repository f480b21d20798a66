// What the worker protocol's readers accept, the writers print, and it reads the same again.
#include "fuzz.hh"
#include "wire/messages.hh"
#include "wire/values.hh"

using namespace cinch;

namespace {

void read_messages(std::string_view input) {
  StringSource source(input);
  wire::Decoder decoder(source);
  while (!decoder.at_end()) {
    wire::Encoder first;
    wire::write_message(first, wire::read_message(decoder));
    StringSource again(as_text(first.bytes()));
    wire::Decoder second_decoder(again);
    wire::Encoder second;
    wire::write_message(second, wire::read_message(second_decoder));
    fuzz::require(as_text(first.bytes()) == as_text(second.bytes()));
  }
}

void read_values(std::string_view input, wire::Minor minor) {
  const wire::Dialect dialect{.minor = minor, .realisation_with_path = minor == 38};
  StringSource source(input);
  wire::Decoder decoder(source);
  const StorePath path = wire::read_path(decoder, dialect);
  const PathInfo info = wire::read_path_info(decoder, dialect, path);
  wire::Encoder encoder;
  wire::write_path_info(encoder, dialect, info);
  StringSource again(as_text(encoder.bytes()));
  wire::Decoder again_decoder(again);
  fuzz::require(wire::read_path_info(again_decoder, dialect, path) == info);
  const DerivingPath wanted = wire::read_deriving_path(decoder, dialect);
  wire::read_build_result(decoder, dialect, wanted);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input = fuzz::as_input(data + 1, size - 1);
  const auto minor = static_cast<wire::Minor>(26 + data[0] % 13);
  fuzz::refusals_are_fine([&] { read_messages(input); });
  fuzz::refusals_are_fine([&] { read_values(input, minor); });
  return 0;
}
