// The main function of Catch2 programs that are nothing without the corpus: see vectors.hh.
#include "run_tests.hh"
#include "vectors.hh"

#include <cstdio>

int main(int argc, char* argv[]) {
  if (!cinch::test::find_corpus()) {
    std::puts("SKIPPED: no corpus; set CINCH_CORPUS to its folder");
    return 77;
  }
  return cinch::test::run_tests(argc, argv);
}
