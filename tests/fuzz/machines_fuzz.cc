// Machines files: what is printed is read as the same again.
#include "fuzz.hh"

#include <cinch/core/machine.hh>

using namespace cinch;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::refusals_are_fine([&] {
    const Machines machines = parse_machines(fuzz::as_input(data, size), {});
    for (const Machine& machine : machines.machines) {
      fuzz::refusals_are_fine([&] {
        const Machines again = parse_machines(print_machine(machine), {});
        fuzz::require(again.machines == std::vector{machine} && again.included_files.empty());
      });
    }
  });
  return 0;
}
