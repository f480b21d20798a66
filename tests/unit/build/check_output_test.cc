#include "outputs/check_output.hh"

#include "catch.hh"
#include "errors.hh"

namespace cinch::test {
namespace {

StorePath path(const std::string& name) {
  return StorePath::parse("00000000000000000000000000000000-" + name);
}

PathInfo info(const std::string& name, std::uint64_t size, const StorePathSet& references) {
  PathInfo result{.path = path(name), .nar_hash = hash_bytes(HashAlgorithm::sha256, {})};
  result.nar_size = size;
  result.references = references;
  return result;
}

// "out" refers to itself and to "dev", "dev" to "a", and "a" to "b".
OutputFacts facts() {
  OutputFacts facts{.derivation = path("x.drv"), .store_dir = StoreDir()};
  facts.outputs = {{"out", path("out")}, {"dev", path("dev")}};
  for (const PathInfo& one :
       {info("out", 1, {path("out"), path("dev")}), info("dev", 10, {path("a")}),
        info("a", 100, {path("b")}), info("b", 1000, {}), info("other", 10000, {})}) {
    facts.infos.emplace(one.path, one);
  }
  return facts;
}

std::optional<Error> refusal(const OutputChecks& checks, const std::string& output = "out") {
  DerivationOptions options;
  options.output_checks = checks;
  return error_of([&] { check_output(output, options, facts()); });
}

ReferenceSpecs specs(std::set<std::string> outputs, const std::vector<std::string>& paths = {}) {
  ReferenceSpecs result{std::move(outputs), {}};
  for (const std::string& name : paths) result.paths.insert({path(name), {}});
  return result;
}

const std::string subject = "/nix/store/00000000000000000000000000000000-x.drv";

std::string refers(const std::string& names, const std::string& attribute) {
  std::string list;
  for (const char name : names) {
    list += (list.empty() ? "'" : ", '") + StoreDir().print(path({name})) + "'";
  }
  return "refers to " + list + ", which '" + attribute + "' does not allow";
}

bool says(const std::optional<Error>& error, const std::string& what) {
  return error && error->code() == Code::build_failed && error->subject() == subject &&
         error->message().ends_with("' of '" + subject + "' " + what);
}

}  // namespace

TEST_CASE("outputs without checks may do anything") {
  CHECK_FALSE(refusal({}));
  DerivationOptions options;
  options.output_checks = std::map<std::string, OutputChecks>{{"dev", {.nar_size_max = 0}}};
  CHECK_FALSE(error_of([&] { check_output("out", options, facts()); }));
  CHECK(error_of([&] { check_output("dev", options, facts()); }));
}

TEST_CASE("sizes of outputs and their closures") {
  CHECK_FALSE(refusal({.nar_size_max = 1}));
  CHECK(says(refusal({.nar_size_max = 0}), "has 1 bytes, more than the 0 that 'maxSize' allows"));
  CHECK_FALSE(refusal({.closure_size_max = 1111}));
  CHECK(says(refusal({.closure_size_max = 1110}),
             "has a closure of 1111 bytes, more than the 1110 that 'maxClosureSize' allows"));
  CHECK_FALSE(refusal({.closure_size_max = 1110}, "dev"));
}

TEST_CASE("references that are allowed and disallowed") {
  CHECK_FALSE(refusal({.allowed_references = specs({"out", "dev"})}));
  CHECK_FALSE(refusal({.allowed_references = specs({"out", "dev"}, {"other"})}));
  CHECK(says(refusal({.allowed_references = specs({}, {"b"})}, "dev"),
             refers("a", "allowedReferences")));
  CHECK_FALSE(refusal({.disallowed_references = specs({}, {"a", "b"})}));
  CHECK(says(refusal({.disallowed_references = specs({"out"}, {"a"})}, "dev"),
             refers("a", "disallowedReferences")));
  // A reference to itself is one, whatever holds for requisites.
  CHECK(refusal({.ignore_self_references = true, .disallowed_references = specs({"out"})}));
}

TEST_CASE("requisites that are allowed and disallowed") {
  CHECK_FALSE(refusal({.allowed_requisites = specs({"out", "dev"}, {"a", "b"})}));
  CHECK(says(refusal({.allowed_requisites = specs({"out", "dev"})}),
             refers("ab", "allowedRequisites")));
  CHECK(says(refusal({.disallowed_requisites = specs({}, {"b", "other"})}),
             refers("b", "disallowedRequisites")));
  // The output itself is in its closure, also if it does not refer to itself.
  CHECK(refusal({.allowed_requisites = specs({}, {"a", "b"})}, "dev"));
  CHECK_FALSE(refusal({.ignore_self_references = true, .allowed_requisites = specs({}, {"a", "b"})},
                      "dev"));
  CHECK(refusal({.disallowed_requisites = specs({"dev"})}, "dev"));
}

TEST_CASE("names of outputs that do not exist") {
  const auto error = refusal({.allowed_references = specs({"out", "dev", "lib"})});
  CHECK(says(error,
             "cannot be checked: 'lib' in 'allowedReferences' is neither a store path nor the name "
             "of an output"));
}

}  // namespace cinch::test
