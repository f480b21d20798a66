// The beginning of a connection, at both ends, and what follows it in frames: however the bytes
// are cut up, they are agreed upon or refused in the same way.
#include "fuzz.hh"
#include "wire/decoder.hh"
#include "wire/framed.hh"
#include "wire/handshake.hh"

#include <algorithm>
#include <optional>

using namespace cinch;

namespace {

struct Outcome {
  std::string sent;
  std::optional<wire::Minor> minor;  // none: refused, or not finished
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

template <class Machine>
Outcome shake_hands(Machine machine, std::string_view input, std::size_t piece) {
  Outcome outcome;
  fuzz::refusals_are_fine([&] {
    for (;;) {
      const wire::HandshakeStep step = machine.step();
      outcome.sent += as_text(machine.output());
      machine.clear_output();
      if (step == wire::HandshakeStep::finished) break;
      if (step == wire::HandshakeStep::have_output) continue;
      if (input.empty()) return;
      const std::size_t count = std::min({machine.needed(), piece, input.size()});
      fuzz::require(count > 0);
      machine.put(as_bytes(input.substr(0, count)));
      input.remove_prefix(count);
    }
    outcome.minor = machine.minor();
    fuzz::require(machine.minor() >= wire::oldest_minor && machine.minor() <= wire::newest_minor);
  });
  return outcome;
}

// What the frames hold is the same again when it is framed anew.
void read_frames(std::string_view input) {
  StringSource source(input);
  wire::Decoder decoder(source);
  wire::FramedSource frames(decoder);
  const std::string contents = read_all(frames, input.size() + 1);
  StringSink framed(input.size() + 1024);
  wire::FramedSink sink(framed);
  sink.write(as_bytes(contents));
  sink.finish();
  StringSource again(framed.text());
  wire::Decoder again_decoder(again);
  wire::FramedSource again_frames(again_decoder);
  fuzz::require(read_all(again_frames, input.size() + 1) == contents);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = std::size_t{1} + data[0] % 8;
  const std::string_view input = fuzz::as_input(data + 1, size - 1);
  const wire::HandshakeClient client(wire::full_offer());
  fuzz::require(shake_hands(client, input, piece) == shake_hands(client, input, input.size()));
  const wire::HandshakeServer server(wire::full_offer(),
                                     {.daemon_version = "x", .trust = wire::Trust::trusted});
  fuzz::require(shake_hands(server, input, piece) == shake_hands(server, input, input.size()));
  fuzz::refusals_are_fine([&] { read_frames(input); });
  return 0;
}
