// Where the golden files lie that are not part of the project: CINCH_VECTORS and CINCH_CORPUS, else
// ../shared/vectors and ../shared/corpus beside the source tree.
//
// A test program that is nothing without them calls run_vector_tests (vector_table.hh): it then
// exits with 77, which Meson reports as SKIP, where they are absent.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>

namespace cinch::test {

inline std::optional<std::filesystem::path> shared_directory(const char* variable,
                                                             const char* name) {
  const char* chosen = std::getenv(variable);
  const std::filesystem::path directory =
      chosen != nullptr ? std::filesystem::path(chosen)
                        : std::filesystem::path(CINCH_SOURCE_ROOT) / ".." / "shared" / name;
  if (!std::filesystem::is_directory(directory)) return std::nullopt;
  return directory;
}

inline std::optional<std::filesystem::path> find_vectors() {
  return shared_directory("CINCH_VECTORS", "vectors");
}

inline std::optional<std::filesystem::path> find_corpus() {
  return shared_directory("CINCH_CORPUS", "corpus");
}

// The vectors' folder, for programs that are nothing without it.
inline std::filesystem::path vectors() { return find_vectors().value(); }

// What this run has done with the vectors, by their path in the vectors' folder.
struct VectorRecord {
  std::set<std::string> read;
  std::map<std::string, std::string> skipped;  // with the reason
};
inline VectorRecord& vector_record() {
  static VectorRecord record;
  return record;
}

// Says that a test looked at a vector and left it out.
inline void skip_vector(const std::filesystem::path& file, const std::string& reason) {
  vector_record().skipped[std::filesystem::relative(file, vectors()).string()] = reason;
}

// Only to see whether a test is about the file: that does not count as read.
inline std::string peek_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot read " + file.string());
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

inline std::string read_file(const std::filesystem::path& file) {
  if (const auto shared = find_vectors(); shared && file.string().starts_with(shared->string())) {
    vector_record().read.insert(std::filesystem::relative(file, *shared).string());
  }
  return peek_file(file);
}

}  // namespace cinch::test
