#include "catch.hh"
#include "derivations.hh"
#include "errors.hh"

#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/derivation_hash.hh>

namespace cinch {

using test::code_of;
using test::error_of;
using test::fixed_derivation;
using test::simple_derivation;

namespace {

const StoreDir store_dir;

// Derivations by path, as a store would have them.
class Graph {
 public:
  StorePath add(const Derivation& derivation) {
    const StorePath path = derivation_path(store_dir, derivation);
    derivations_.insert_or_assign(path, derivation);
    return path;
  }
  void add_at(const StorePath& path, const Derivation& derivation) {
    derivations_.insert_or_assign(path, derivation);
  }
  DerivationHasher hasher() {
    return {store_dir, [this](const StorePath& path) {
              ++reads_[path];
              return derivations_.at(path);
            }};
  }
  std::size_t reads(const StorePath& path) const {
    const auto found = reads_.find(path);
    return found == reads_.end() ? 0 : found->second;
  }

 private:
  std::map<StorePath, Derivation> derivations_;
  std::map<StorePath, std::size_t> reads_;
};

Derivation with_inputs(const std::string& name,
                       std::map<StorePath, OutputNames> input_derivations) {
  Derivation derivation = simple_derivation(name);
  derivation.input_derivations = std::move(input_derivations);
  return derivation;
}

Derivation floating_derivation(const std::string& name) {
  Derivation derivation = simple_derivation(name);
  derivation.outputs = {{"out", FloatingOutput{ContentAddressMethod::nar, HashAlgorithm::sha256}}};
  return derivation;
}

}  // namespace

TEST_CASE("output paths do not depend on what they were before") {
  Graph graph;
  DerivationHasher hasher = graph.hasher();
  Derivation derivation = simple_derivation();
  derivation.outputs = {{"out", DeferredOutput{}}, {"dev", DeferredOutput{}}};
  derivation.environment["dev"] = "";
  const auto paths = hasher.output_paths(derivation);
  CHECK(paths.at("out").name() == "simple");
  CHECK(paths.at("dev").name() == "simple-dev");

  hasher.fill_in_outputs(derivation);
  CHECK(hasher.output_paths(derivation) == paths);
  CHECK(derivation.outputs.at("dev") == DerivationOutput(InputAddressedOutput{paths.at("dev")}));
  CHECK(derivation.environment.at("out") == store_dir.print(paths.at("out")));
  CHECK_FALSE(error_of([&] { hasher.check_outputs(derivation); }));

  const Derivation before = derivation;
  hasher.fill_in_outputs(derivation);
  CHECK(derivation == before);
}

TEST_CASE("the worked example of docs/formats/derivation.md") {
  Graph graph;
  Derivation derivation = simple_derivation("hi");
  derivation.arguments = {"-c", "echo hi > $out"};
  derivation.environment = {{"out", ""}};
  graph.hasher().fill_in_outputs(derivation);
  const std::string out = "/nix/store/1jy8hx9jg6a8475mil8dpjicgx6y8255-hi";
  CHECK(print_derivation(derivation, store_dir) ==
        R"(Derive([("out",")" + out + R"(","","")],[],[],"x86_64-linux","/bin/sh",)" +
            R"(["-c","echo hi > $out"],[("out",")" + out + R"(")]))");
  CHECK(store_dir.print(derivation_path(store_dir, derivation)) ==
        "/nix/store/8aa7nl583a7ww7flkrj30clmlp7kw8qq-hi.drv");
}

TEST_CASE("a variable that is missing is filled in, and the result is right") {
  Graph graph;
  DerivationHasher hasher = graph.hasher();
  Derivation absent = simple_derivation();
  absent.environment.erase("out");
  Derivation empty = simple_derivation();
  hasher.fill_in_outputs(absent);
  hasher.fill_in_outputs(empty);
  CHECK(absent == empty);
  CHECK_FALSE(error_of([&] { hasher.check_outputs(absent); }));
}

TEST_CASE("a wrong path is refused, both paths named, and nothing is changed") {
  Graph graph;
  DerivationHasher hasher = graph.hasher();
  Derivation derivation = simple_derivation();
  const std::string right = store_dir.print(hasher.output_paths(derivation).at("out"));
  const std::string wrong = "/nix/store/c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-simple";
  SECTION("in an output") {
    derivation.outputs = {{"out", InputAddressedOutput{store_dir.parse(wrong)}}};
    derivation.environment["out"] = right;
  }
  SECTION("in a variable") {
    derivation.outputs = {{"out", InputAddressedOutput{store_dir.parse(right)}}};
    derivation.environment["out"] = wrong;
  }
  const Derivation before = derivation;
  for (const auto& error : {error_of([&] { hasher.check_outputs(derivation); }),
                            error_of([&] { hasher.fill_in_outputs(derivation); })}) {
    REQUIRE(error);
    CHECK(error->code() == Code::invalid_derivation);
    CHECK(error->message().find(right) != std::string::npos);
    CHECK(error->message().find(wrong) != std::string::npos);
    CHECK(error->subject() == "simple.drv");
  }
  CHECK(derivation == before);
}

TEST_CASE("checking refuses what is not filled in") {
  Graph graph;
  DerivationHasher hasher = graph.hasher();
  Derivation derivation = simple_derivation();
  CHECK(code_of([&] { hasher.check_outputs(derivation); }) == Code::invalid_derivation);
  hasher.fill_in_outputs(derivation);
  derivation.environment.erase("out");
  CHECK(code_of([&] { hasher.check_outputs(derivation); }) == Code::invalid_derivation);
}

TEST_CASE("how a fixed output is made does not matter to what is built from it") {
  Graph graph;
  Derivation first = fixed_derivation("source");
  Derivation second = first;
  second.builder = "/bin/other";
  // The inputs of a fixed output are not looked at: this one is nowhere.
  second.input_derivations = {
      {StorePath::parse("vqpn17r03lqabwk0wksgpbgy620zwfd4-nowhere.drv"), {"out"}}};
  const StorePath first_path = graph.add(first);
  const StorePath second_path = graph.add(second);
  REQUIRE(first_path != second_path);
  DerivationHasher hasher = graph.hasher();
  const auto one = hasher.output_paths(with_inputs("user", {{first_path, {"out"}}}));
  CHECK(hasher.output_paths(with_inputs("user", {{second_path, {"out"}}})) == one);
  // Two inputs of one hash are one.
  CHECK(hasher.output_paths(with_inputs("user", {{first_path, {"out"}}, {second_path, {"out"}}})) ==
        one);
  CHECK_FALSE(error_of([&] { hasher.check_outputs(first); }));
}

TEST_CASE("each input is read once") {
  Graph graph;
  Derivation bottom = simple_derivation("bottom");
  graph.hasher().fill_in_outputs(bottom);
  const StorePath bottom_path = graph.add(bottom);
  std::map<StorePath, OutputNames> layer;
  for (const std::string name : {"a", "b", "c"}) {
    Derivation middle = with_inputs(name, {{bottom_path, {"out"}}});
    Graph copy = graph;
    copy.hasher().fill_in_outputs(middle);
    layer.emplace(graph.add(middle), OutputNames{"out"});
  }
  DerivationHasher hasher = graph.hasher();
  hasher.output_paths(with_inputs("top", layer));
  hasher.output_paths(with_inputs("other", layer));
  CHECK(graph.reads(bottom_path) == 1);
  for (const auto& [path, outputs] : layer) CHECK(graph.reads(path) == 1);
}

TEST_CASE("inputs that cannot be") {
  Graph graph;
  DerivationHasher hasher = graph.hasher();
  SECTION("an output that the input does not have") {
    const StorePath input = graph.add(fixed_derivation());
    const auto error = error_of([&] {
      hasher.output_paths(with_inputs("user", {{input, {"out", "dev"}}}));
    });
    REQUIRE(error);
    CHECK(error->code() == Code::invalid_derivation);
    CHECK(error->message().find("'dev'") != std::string::npos);
    CHECK(error->subject() == store_dir.print(input));
  }
  SECTION("an input whose outputs are not filled in") {
    const StorePath input = graph.add(simple_derivation());
    const auto error = error_of([&] {
      hasher.output_paths(with_inputs("user", {{input, {"out"}}}));
    });
    REQUIRE(error);
    CHECK(error->code() == Code::invalid_derivation);
    CHECK(error->subject() == store_dir.print(input));
  }
  SECTION("an input that breaks the rules") {
    Derivation broken = simple_derivation();
    broken.outputs.clear();
    const StorePath input = graph.add(broken);
    CHECK(code_of([&] {
            hasher.output_paths(with_inputs("user", {{input, {"out"}}}));
          }) == Code::invalid_derivation);
  }
  SECTION("a cycle, as a reader that lies could make one") {
    const StorePath loop = StorePath::parse("vqpn17r03lqabwk0wksgpbgy620zwfd4-loop.drv");
    Derivation derivation = with_inputs("loop", {{loop, {"out"}}});
    derivation.outputs = {{"out", InputAddressedOutput{loop}}};
    graph.add_at(loop, derivation);
    const auto error = error_of([&] { hasher.output_paths(derivation); });
    REQUIRE(error);
    CHECK(error->code() == Code::invalid_derivation);
    CHECK(error->subject() == store_dir.print(loop));
  }
}

TEST_CASE("what depends on a floating output stays open") {
  Graph graph;
  Derivation floating = simple_derivation("floating");
  floating.outputs = {{"out", FloatingOutput{ContentAddressMethod::nar, HashAlgorithm::sha256}}};
  const StorePath input = graph.add(floating);
  const Derivation middle = with_inputs("middle", {{input, {"out"}}});
  const StorePath middle_path = graph.add(middle);
  DerivationHasher hasher = graph.hasher();
  CHECK(hasher.output_paths(floating).empty());
  CHECK_NOTHROW(hasher.check_outputs(floating));
  for (const StorePath& path : {input, middle_path}) {
    Derivation derivation = with_inputs("user", {{path, {"out"}}});
    const Derivation before = derivation;
    hasher.fill_in_outputs(derivation);
    CHECK(derivation == before);
    CHECK(hasher.output_paths(derivation).empty());
    CHECK_NOTHROW(hasher.check_outputs(derivation));

    derivation.outputs = {
        {"out", InputAddressedOutput{StorePath::parse("vqpn17r03lqabwk0wksgpbgy620zwfd4-user")}}};
    const auto error = error_of([&] { hasher.check_outputs(derivation); });
    REQUIRE(error);
    CHECK(error->code() == Code::invalid_derivation);
    CHECK(error->message().find("only known once") != std::string::npos);
    // Nor may it be an input.
    const StorePath wrong = graph.add(derivation);
    CHECK(code_of([&] {
            hasher.output_paths(with_inputs("top", {{wrong, {"out"}}}));
          }) == Code::invalid_derivation);
  }
  CHECK(code_of([&] {
          hasher.output_paths(with_inputs("user", {{input, {"dev"}}}));
        }) == Code::invalid_derivation);
}

TEST_CASE("what depends on a dynamic derivation stays open") {
  Graph graph;
  DerivationHasher hasher = graph.hasher();
  Derivation derivation = simple_derivation();
  derivation.dynamic_inputs = {
      {StorePath::parse("vqpn17r03lqabwk0wksgpbgy620zwfd4-makes.drv"), {{"out", {{"out"}, {}}}}}};
  CHECK(hasher.output_paths(derivation).empty());
  CHECK_NOTHROW(hasher.check_outputs(derivation));
}

TEST_CASE("derivations can be lent") {
  Derivation input = simple_derivation("input");
  DerivationHasher(store_dir, {}).fill_in_outputs(input);
  const auto lent = std::make_shared<const Derivation>(input);
  int count = 0;
  DerivationHasher hasher = DerivationHasher::lending(store_dir, [&](const StorePath&) {
    ++count;
    return lent;
  });
  const StorePath path = derivation_path(store_dir, input);
  const Derivation user = with_inputs("user", {{path, {"out"}}});
  CHECK(hasher.output_paths(user).size() == 1);
  CHECK(hasher.output_paths(user) ==
        DerivationHasher(store_dir, [&](const StorePath&) { return input; }).output_paths(user));
  CHECK(count == 1);
}

TEST_CASE("keys of realisations have hashes also where paths are not known") {
  // What Nix 2.8.0 registered for this derivation.
  Derivation derivation = floating_derivation("a");
  derivation.arguments = {"-c", "echo hi > $out"};
  derivation.environment = {{"builder", "/bin/sh"},
                            {"name", "a"},
                            {"out", "/1rz4g4znpzjwh1xymhjpm42vipw92pr73vdgl6xs1hycac8kf2n9"},
                            {"outputHashAlgo", "sha256"},
                            {"outputHashMode", "recursive"},
                            {"system", "x86_64-linux"}};
  Graph graph;
  DerivationHasher hasher = graph.hasher();
  const auto hash_of = [&](const Derivation& one) {
    return hasher.realisation_hashes(one).at("out").digest_text(HashFormat::base16);
  };
  CHECK(hash_of(derivation) == "0f4e37b3345e415f7ffebb9c781537c140c1e01f837e04aa02c958e4a9c43686");

  // What depends on it has the hash of its own text, in which an input is the hash of that one's
  // text, unmasked.
  const StorePath path = graph.add(derivation);
  const Derivation user = with_inputs("user", {{path, {"out"}}});
  const auto hash_text = [](const std::string& text) {
    return hash_bytes(HashAlgorithm::sha256, as_bytes(text)).digest_text(HashFormat::base16);
  };
  std::string text = print_derivation(user, store_dir);
  const std::string input = store_dir.print(path);
  text.replace(text.find(input), input.size(), hash_text(print_derivation(derivation, store_dir)));
  CHECK(hash_of(user) == hash_text(text));
  CHECK(graph.reads(path) == 1);
  CHECK(hasher.output_paths(user).empty());
  // That of a fixed output does not depend on how it is made.
  Derivation fetched = fixed_derivation();
  fetched.arguments = {"-c", "other"};
  CHECK(hash_of(fetched) == hash_of(fixed_derivation()));

  Derivation impure = derivation;
  impure.outputs = {{"out", ImpureOutput{ContentAddressMethod::nar, HashAlgorithm::sha256}}};
  CHECK(hash_of(impure) == hash_text("impure"));
  Derivation dynamic = simple_derivation();
  dynamic.dynamic_inputs = {{path, {{"out", {{"out"}, {}}}}}};
  CHECK(hasher.realisation_hashes(dynamic).empty());
}

TEST_CASE("a chain of 20,000 derivations does not exhaust the stack") {
  Graph graph;
  Derivation derivation = simple_derivation("link");
  const StorePath output = StorePath::parse("vqpn17r03lqabwk0wksgpbgy620zwfd4-link");
  derivation.outputs = {{"out", InputAddressedOutput{output}}};
  StorePath path = graph.add(derivation);
  for (int link = 0; link < 20'000; ++link) {
    derivation.input_derivations = {{path, {"out"}}};
    path = graph.add(derivation);
  }
  DerivationHasher hasher = graph.hasher();
  CHECK(hasher.output_paths(with_inputs("top", {{path, {"out"}}})).size() == 1);
}

}  // namespace cinch
