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

// Reads a value, and what was written of it.
template <class Read, class Write>
auto check_value(wire::Decoder& decoder, Read read, Write write) {
  const auto value = read(decoder);
  wire::Encoder encoder;
  write(encoder, value);
  StringSource again(as_text(encoder.bytes()));
  wire::Decoder again_decoder(again);
  fuzz::require(read(again_decoder) == value);
  fuzz::require(again_decoder.at_end());
  return value;
}

void read_values(wire::Decoder& decoder, const wire::Dialect& dialect) {
  const StorePath path = wire::read_path(decoder, dialect);
  check_value(
      decoder, [&](wire::Decoder& in) { return wire::read_path_info(in, dialect, path); },
      [&](wire::Encoder& out, const PathInfo& info) { write_path_info(out, dialect, info); });
  const DerivingPath wanted = wire::read_deriving_path(decoder, dialect);
  check_value(
      decoder, [&](wire::Decoder& in) { return wire::read_build_result(in, dialect, wanted); },
      [&](wire::Encoder& out, const BuildResult& result) {
        wire::write_build_result(out, dialect, result);
      });
}

void read_realisations(wire::Decoder& decoder, const wire::Dialect& dialect) {
  if (dialect.realisation_with_path) {
    check_value(
        decoder, [&](wire::Decoder& in) { return wire::read_realisation(in, dialect); },
        [&](wire::Encoder& out, const Realisation& realisation) {
          wire::write_realisation(out, dialect, realisation);
        });
  } else {
    check_value(
        decoder, [&](wire::Decoder& in) { return wire::read_hashed_realisation(in, dialect); },
        [&](wire::Encoder& out, const HashedRealisation& realisation) {
          wire::write_hashed_realisation(out, dialect, realisation);
        });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input = fuzz::as_input(data + 1, size - 1);
  const auto minor = static_cast<wire::Minor>(26 + data[0] % 13);
  const wire::Dialect dialect{.minor = minor, .realisation_with_path = minor == 38};
  fuzz::refusals_are_fine([&] {
    if (data[0] < 128) return read_messages(input);
    StringSource source(input);
    wire::Decoder decoder(source);
    if (data[0] < 192) return read_values(decoder, dialect);
    read_realisations(decoder, dialect);
  });
  return 0;
}
