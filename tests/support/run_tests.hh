// Runs the Catch2 tests of a program, for a main function to call.
#pragma once

namespace cinch::test {

int run_tests(int argc, char* argv[]);

}  // namespace cinch::test
