// A NAR that is accepted is the one that the writer makes of its events, however it was cut up.
#include "fuzz.hh"

#include <cinch/core/nar.hh>

using namespace cinch;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t chunk = std::size_t{1} + data[0];
  const std::string_view input = fuzz::as_input(data + 1, size - 1);
  fuzz::refusals_are_fine([&] {
    StringSink printed(input.size() + 16);
    NarWriter writer(printed);
    NarParserSink parser(writer);
    for (std::size_t at = 0; at < input.size(); at += chunk) {
      parser.write(as_bytes(input.substr(at, chunk)));
    }
    parser.finish();
    writer.finish();
    fuzz::require(printed.text() == input);
  });
  return 0;
}
