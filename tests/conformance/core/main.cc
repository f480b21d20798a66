// Runs the conformance tests of the model. A vector that no test reads needs a reason here.
#include "vector_table.hh"

namespace {

constexpr const char* protocols = "protocol: covered by 'wire vectors'";
constexpr cinch::test::VectorReason reasons[] = {
    {"nix/libstore-tests/data/common-protocol/", protocols},
    {"nix/libstore-tests/data/worker-protocol/", protocols},
    {"nix/libstore-tests/data/serve-protocol/", protocols},
    {"nix/libstore-tests/data/dummy-store/", "whole stores: belong to the stores, not the model"},
    {"nix/libstore-tests/data/worker-substitution/", "substitution does not exist yet"},
};
constexpr std::string_view folders[] = {"nix/"};

}  // namespace

int main(int argc, char* argv[]) {
  return cinch::test::run_vector_tests(argc, argv, folders, reasons);
}
