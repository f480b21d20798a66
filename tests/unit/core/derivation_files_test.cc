#include "catch.hh"
#include "derivations.hh"

#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/derivation_files.hh>
#include <cinch/core/derivation_hash.hh>

#include <string>
#include <utility>
#include <vector>

namespace cinch {

namespace {

const StoreDir store_dir;

// What has been written to a directory, so to say.
class Files {
 public:
  void add(std::string base_name, std::string text) {
    files_.emplace_back(std::move(base_name), std::move(text));
  }
  DerivationFilesReport check() const {
    std::vector<DerivationFile> lent;
    for (const auto& [name, text] : files_) lent.push_back({name, text});
    return check_derivation_files(lent, store_dir);
  }

 private:
  std::vector<std::pair<std::string, std::string>> files_;
};

Derivation filled_in() {
  Derivation derivation = test::simple_derivation("simple");
  DerivationHasher(store_dir, {}).fill_in_outputs(derivation);
  return derivation;
}

}  // namespace

TEST_CASE("derivation files: right ones") {
  const Derivation derivation = filled_in();
  Files files;
  CHECK(files.check().files == 0);
  files.add(derivation_path(store_dir, derivation).base_name(),
            print_derivation(derivation, store_dir));
  const DerivationFilesReport report = files.check();
  CHECK(report.files == 1);
  CHECK(report.paths_right == 1);
  CHECK(report.outputs_right == 1);
  CHECK(report.reprints_right == 1);
  CHECK(report.mismatches.empty());
}

TEST_CASE("derivation files: a deferred output is no right one") {
  const Derivation derivation = test::simple_derivation("simple");
  Files files;
  files.add(derivation_path(store_dir, derivation).base_name(),
            print_derivation(derivation, store_dir));
  const DerivationFilesReport report = files.check();
  CHECK(report.paths_right == 1);
  CHECK(report.outputs_right == 0);
  REQUIRE(report.mismatches.size() == 1);
  CHECK(report.mismatches[0].fact == DerivationFact::outputs);
  CHECK(report.mismatches[0].message.find("not filled in") != std::string::npos);
}

TEST_CASE("derivation files: those that cannot be read") {
  const std::string text = print_derivation(filled_in(), store_dir);
  Files files;
  files.add("hello.drv", text);
  files.add("00000000000000000000000000000000-.drv", text);
  files.add("00000000000000000000000000000000-x.drv", "");
  const DerivationFilesReport report = files.check();
  CHECK(report.files == 3);
  CHECK(report.paths_right + report.outputs_right + report.reprints_right == 0);
  REQUIRE(report.mismatches.size() == 3);
  CHECK(report.mismatches[0].fact == DerivationFact::path);
  CHECK(report.mismatches[1].fact == DerivationFact::text);
  CHECK(report.mismatches[2].fact == DerivationFact::text);
  CHECK(report.mismatches[2].file == 2);
}

}  // namespace cinch
