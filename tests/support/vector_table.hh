// The main function of test programs that read shared vectors and say at the end, folder by folder,
// which of them they read and which not, and why.
#pragma once

#include <span>
#include <string_view>

namespace cinch::test {

struct VectorReason {
  const char* start;  // of the path in the vectors' folder
  const char* text;
};

// Runs the tests, then prints the table of the vectors whose path starts with one of `folders`.
// Fails if there is one that was neither read nor has a reason. Exits with 77 without vectors.
int run_vector_tests(int argc, char* argv[], std::span<const std::string_view> folders,
                     std::span<const VectorReason> reasons);

}  // namespace cinch::test
