// The main function of Catch2 programs that are nothing without the shared vectors: see vectors.hh.
#include "run_tests.hh"
#include "vectors.hh"

#include <cstdio>

int main(int argc, char* argv[]) {
  if (!cinch::test::find_vectors()) {
    std::puts("SKIPPED: no shared vectors; set CINCH_VECTORS to their folder");
    return 77;
  }
  return cinch::test::run_tests(argc, argv);
}
