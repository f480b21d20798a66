// Catch2 2 is one header: this is the one place that compiles its insides. Catch2 3 is a library.
#if !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_RUNNER
#endif
#include "catch.hh"
#include "run_tests.hh"

namespace cinch::test {

int run_tests(int argc, char* argv[]) { return Catch::Session().run(argc, argv); }

}  // namespace cinch::test
