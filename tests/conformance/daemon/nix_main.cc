// The main function of test programs that are nothing without Nix's own programs: they are skipped
// where those are not installed.
#include "nix.hh"
#include "run_tests.hh"

#include <cstdio>

int main(int argc, char* argv[]) {
  if (!cinch::test::has_nix()) {
    std::puts("SKIPPED: nix-daemon and nix-store are not installed (Debian: nix-bin)");
    return 77;
  }
  return cinch::test::run_tests(argc, argv);
}
