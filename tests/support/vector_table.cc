#include "vector_table.hh"

#include "run_tests.hh"
#include "vectors.hh"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <string>

namespace cinch::test {
namespace {

struct Row {
  std::size_t passed = 0;
  std::size_t skipped = 0;
  std::set<std::string> reasons;
};

// "nix/libstore-tests/data/derivation/ca/x.json" is counted for "libstore-tests/data/derivation".
std::string folder_of(const std::string& file) {
  std::size_t end = file.find('/', 4);
  if (file.substr(0, end) != "nix/functional-nars") end = file.find('/', file.find("/data/") + 6);
  return file.substr(4, end - 4);
}

const char* find_reason(const std::string& file, std::span<const VectorReason> reasons) {
  const auto reason = std::ranges::find_if(
      reasons, [&](const VectorReason& one) { return file.starts_with(one.start); });
  return reason == reasons.end() ? nullptr : reason->text;
}

// Whether every vector was read or has a reason.
bool print_table(std::span<const std::string_view> folders, std::span<const VectorReason> reasons) {
  std::map<std::string, Row> rows;
  bool complete = true;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(vectors() / "nix")) {
    if (!entry.is_regular_file()) continue;
    const std::string file = std::filesystem::relative(entry.path(), vectors()).string();
    const auto starts = [&](std::string_view folder) { return file.starts_with(folder); };
    if (std::ranges::none_of(folders, starts)) continue;
    Row& row = rows[folder_of(file)];
    const auto skipped = vector_record().skipped.find(file);
    if (vector_record().read.contains(file) && skipped == vector_record().skipped.end()) {
      ++row.passed;
      continue;
    }
    ++row.skipped;
    const char* reason = skipped != vector_record().skipped.end() ? skipped->second.c_str()
                                                                  : find_reason(file, reasons);
    if (reason == nullptr) {
      std::printf("FAILED: no test reads %s\n", file.c_str());
      complete = false;
    } else {
      row.reasons.insert(reason);
    }
  }
  std::printf("\n%-46s %6s %7s  %s\n", "folder", "passed", "skipped", "reason");
  for (const auto& [folder, row] : rows) {
    std::string text;
    for (const std::string& reason : row.reasons) text += (text.empty() ? "" : "; ") + reason;
    std::printf("%-46s %6zu %7zu  %s\n", folder.c_str(), row.passed, row.skipped, text.c_str());
  }
  return complete;
}

}  // namespace

int run_vector_tests(int argc, char* argv[], std::span<const std::string_view> folders,
                     std::span<const VectorReason> reasons) {
  if (!find_vectors()) {
    std::puts("SKIPPED: no shared vectors; set CINCH_VECTORS to their folder");
    return 77;
  }
  const int result = run_tests(argc, argv);
  if (result != 0 || argc > 1) return result;  // a choice of tests reads not all
  return print_table(folders, reasons) ? 0 : 1;
}

}  // namespace cinch::test
