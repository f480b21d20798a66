// Runs the conformance tests of the protocols' values. A vector that no test reads needs a reason
// here.
#include "vector_table.hh"

namespace {

constexpr const char* too_old = "older than the oldest version that is spoken, 1.26";
constexpr cinch::test::VectorReason reasons[] = {
    {"nix/libstore-tests/data/worker-protocol/unkeyed-valid-path-info-1.15", too_old},
    {"nix/libstore-tests/data/worker-protocol/valid-path-info-1.15", too_old},
};
constexpr std::string_view folders[] = {"nix/libstore-tests/data/common-protocol/",
                                        "nix/libstore-tests/data/worker-protocol/",
                                        "nix/libstore-tests/data/serve-protocol/"};

}  // namespace

int main(int argc, char* argv[]) {
  return cinch::test::run_vector_tests(argc, argv, folders, reasons);
}
