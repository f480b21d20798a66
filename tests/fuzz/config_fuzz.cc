// nix.conf: any text is lines or a refusal, and no value upsets the settings; each is printed as
// what sets it again.
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
    Settings again;
    for (const std::string_view name : Settings::names()) {
      const std::string value = settings.get(name);
      fuzz::require(again.set(name, value) && again.get(name) == value);
    }
  });
  return 0;
}
