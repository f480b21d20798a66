// Skips where the system forbids the namespaces that a sandbox needs, unless
// CINCH_SANDBOX_MUST_WORK is set.
#include "run_tests.hh"
#include "scratch.hh"

#include <cinch/build/linux_sandbox.hh>
#include <cinch/core/error.hh>

#include <cstdio>
#include <cstdlib>

int main(int argc, char* argv[]) {
  try {
    cinch::test::Scratch scratch;
    cinch::make_linux_sandbox({.build_directory = scratch.path()});
  } catch (const cinch::Error& error) {
    if (error.code() != cinch::Code::sandbox_unavailable) throw;
    std::printf("SKIPPED: %s\n", error.what());
    return std::getenv("CINCH_SANDBOX_MUST_WORK") == nullptr ? 77 : 1;
  }
  return cinch::test::run_tests(argc, argv);
}
