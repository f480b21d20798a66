// nix.conf: any text is lines or a refusal, and no value upsets the settings.
#include "fuzz.hh"

#include <cinch/core/settings.hh>

using namespace cinch;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::refusals_are_fine([&] {
    const auto lines = parse_config(fuzz::as_input(data, size), "/etc/nix/nix.conf",
                                    [](const std::string&) { return std::string("cores = 1\n"); });
    Settings settings;
    for (const ConfigLine& line : lines) {
      fuzz::refusals_are_fine([&] { settings.set(line.name, line.value); });
    }
  });
  return 0;
}
