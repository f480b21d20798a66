// Runs the tests if there is a Nix to run them with.
#include "run_program.hh"
#include "run_tests.hh"

#include <cstdio>

namespace {

bool nix_is_there() {
  try {
    const cinch::test::Scratch scratch;
    return cinch::test::run_program(
               {"nix-store", "--version"},
               {"PATH=/usr/bin:/bin", "HOME=" + scratch.path("home"),
                "NIX_STATE_DIR=" + scratch.path("var"), "NIX_STORE_DIR=" + scratch.path("store")})
               .status == 0;
  } catch (const cinch::Error&) {
    return false;
  }
}

}  // namespace

int main(int argc, char* argv[]) {
  if (!nix_is_there()) {
    std::puts("SKIPPED: nix-store is not installed (Debian: nix-bin)");
    return 77;
  }
  return cinch::test::run_tests(argc, argv);
}
