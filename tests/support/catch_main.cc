// The main function of Catch2 test programs that bring none of their own.
#include "run_tests.hh"

int main(int argc, char* argv[]) { return cinch::test::run_tests(argc, argv); }
