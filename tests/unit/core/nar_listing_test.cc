#include "catch.hh"
#include "errors.hh"

#include <cinch/core/nar_listing.hh>

#include <random>

namespace cinch {

using test::code_of;
using test::error_of;

namespace {

MemoryTree regular(std::string contents, bool executable = false) {
  return {MemoryTree::Regular{std::move(contents), executable}};
}

MemoryTree symlink(std::string target) { return {MemoryTree::Symlink{std::move(target)}}; }

MemoryTree sample() {
  MemoryTree::Directory bin;
  bin.entries.emplace("hello", regular(std::string(100, 'h'), true));
  bin.entries.emplace("empty", regular(""));
  bin.entries.emplace("hi", symlink("hello"));
  MemoryTree::Directory root;
  root.entries.emplace("bin", MemoryTree{std::move(bin)});
  root.entries.emplace("none", MemoryTree{MemoryTree::Directory{}});
  root.entries.emplace("z", regular("hello world"));
  return {std::move(root)};
}

std::string nar_of(const MemoryTree& tree) {
  StringSink sink(std::uint64_t{1} << 24);
  NarWriter writer(sink);
  visit_tree(tree, writer);
  writer.finish();
  return sink.take();
}

NarListing listing_of(std::string_view nar) {
  NarListingBuilder builder;
  NarParserSink parser(builder);
  parser.write(as_bytes(nar));
  parser.finish();
  return builder.take();
}

MemoryTree tree_of(std::string_view nar, std::uint64_t size_bytes_max) {
  MemoryTreeBuilder builder(size_bytes_max);
  NarParserSink parser(builder);
  parser.write(as_bytes(nar));
  parser.finish();
  return builder.take();
}

// Each file of the tree is where the listing says.
void check_contents(const MemoryTree& tree, const NarListing& listing, std::string_view nar) {
  if (const auto* file = tree.regular()) {
    REQUIRE(listing.regular() != nullptr);
    CHECK(listing.regular()->executable == file->executable);
    CHECK(as_text(contents_in_nar(as_bytes(nar), listing.regular()->contents)) == file->contents);
  } else if (const auto* directory = tree.directory()) {
    REQUIRE(listing.directory() != nullptr);
    REQUIRE(listing.directory()->entries.size() == directory->entries.size());
    for (const auto& [name, entry] : directory->entries) {
      check_contents(entry, listing.directory()->entries.at(name), nar);
    }
  } else {
    REQUIRE(listing.symlink() != nullptr);
    CHECK(listing.symlink()->target == tree.symlink()->target);
  }
}

MemoryTree random_tree(std::mt19937& random, int depth) {
  switch (random() % (depth == 0 ? 2 : 4)) {
    case 0:
      return regular(std::string(random() % 70, 'c'), random() % 2 == 0);
    case 1:
      return symlink(std::string(1 + random() % 30, 't'));
    default: {
      MemoryTree::Directory directory;
      for (std::size_t i = random() % 5; i > 0; --i) {
        directory.entries.insert_or_assign(
            std::string(1 + random() % 20, static_cast<char>('a' + random() % 26)),
            random_tree(random, depth - 1));
      }
      return {std::move(directory)};
    }
  }
}

}  // namespace

TEST_CASE("trees become NARs and come back") {
  const MemoryTree tree = sample();
  const std::string nar = nar_of(tree);
  CHECK(tree_of(nar, 10'000) == tree);
  CHECK(parse_tree_json(print_tree_json(tree), 10'000) == tree);
  CHECK(tree.find("bin/hello")->regular()->executable);
  CHECK(tree.find("") == &tree);
  for (const char* path : {"x", "bin/x", "/bin", "bin/", "bin//hello", "z/x", "bin/hi/x", "."}) {
    CHECK(tree.find(path) == nullptr);
  }
}

TEST_CASE("a tree in memory is not larger than allowed") {
  const std::string nar = nar_of(sample());
  CHECK(code_of([&] { tree_of(nar, 200); }) == Code::limit_exceeded);
  MemoryTreeBuilder builder(1000);
  builder.file(std::uint64_t{1} << 60, false);
  CHECK(code_of([&] { builder.contents(as_bytes(std::string(1000, 'x'))); }) ==
        Code::limit_exceeded);
  CHECK(code_of([&] { builder.take(); }) == Code::invalid_argument);
  CHECK(code_of([] { NarListingBuilder().take(); }) == Code::invalid_argument);
}

TEST_CASE("the listing says where each file is") {
  std::mt19937 random(20261122);
  std::vector<MemoryTree> trees{sample(), regular("x"), regular("", true), symlink("t")};
  for (int round = 0; round < 200; ++round) trees.push_back(random_tree(random, 4));
  for (const MemoryTree& tree : trees) {
    const std::string nar = nar_of(tree);
    const NarListing listing = listing_of(nar);
    check_contents(tree, listing, nar);
    CHECK(parse_nar_listing(print_nar_listing(listing)) == listing);
    CHECK(parse_listed_object(print_listed_object(listing)) == listing);
    NarListingBuilder beside_a_writer;
    visit_tree(tree, beside_a_writer);
    CHECK(beside_a_writer.take() == listing);
  }
}

// The offsets are those of `nix nar ls` of Nix 2.8.0, the form is that of Nix 2.34.
TEST_CASE("a listing is printed as Nix prints it") {
  const NarListing listing = listing_of(nar_of(sample()));
  CHECK(print_nar_listing(listing) ==
        R"({"root":{"entries":{"bin":{"entries":{"empty":{"executable":false,"narOffset":368,)"
        R"("size":0,"type":"regular"},"hello":{"executable":true,"narOffset":584,"size":100,)"
        R"("type":"regular"},"hi":{"target":"hello","type":"symlink"}},"type":"directory"},)"
        R"("none":{"entries":{},"type":"directory"},"z":{"executable":false,"narOffset":1264,)"
        R"("size":11,"type":"regular"}},"type":"directory"},"version":1})");
  CHECK(print_listed_object(listing, ListingDepth::names) ==
        R"({"entries":{"bin":{},"none":{},"z":{}},"type":"directory"})");
  CHECK(print_listed_object(*listing.find("bin/hi"), ListingDepth::names) ==
        R"({"target":"hello","type":"symlink"})");
}

TEST_CASE("older listings are read") {
  const NarListing listing = parse_nar_listing(
      R"({"version":1,"root":{"type":"regular","size":5,"narOffset":96,"unknown":1}})");
  CHECK(listing == NarListing{NarListing::Regular{{5, 96}, false}});
}

TEST_CASE("bad listings are refused") {
  const auto code = [](const std::string& object) {
    return code_of([&] { parse_nar_listing(R"({"version":1,"root":)" + object + "}"); });
  };
  const std::string file = R"({"type":"regular","size":1})";
  CHECK_FALSE(code(file));
  for (const char* object :
       {"1", "{}", R"({"type":"fifo"})", R"({"type":"regular"})", R"({"type":"regular","size":-1})",
        R"({"type":"regular","size":1.5})", R"({"type":"regular","size":"1"})",
        R"({"type":"regular","size":1,"executable":1})",
        R"({"type":"regular","size":1,"narOffset":null})", R"({"type":"symlink","target":""})",
        R"({"type":"symlink"})", R"({"type":"directory"})",
        R"({"type":"directory","entries":[]})"}) {
    CAPTURE(object);
    CHECK(code(object) == Code::malformed);
  }
  for (const char* name : {"", ".", "..", "a/b", "a\\u0000"}) {
    CAPTURE(name);
    CHECK(code(R"({"type":"directory","entries":{")" + std::string(name) + "\":" + file + "}}") ==
          Code::malformed);
  }
  CHECK(code(R"({"type":"directory","entries":{"a":)" + file + R"(,"a":)" + file + "}}") ==
        Code::malformed);
  CHECK(code(R"({"type":"regular","size":9223372036854775808})") == Code::limit_exceeded);
  CHECK(code(R"({"type":"regular","size":18446744073709551615})") == Code::limit_exceeded);
  CHECK(code(R"({"type":"directory","entries":{")" + std::string(256, 'n') + "\":" + file + "}}") ==
        Code::limit_exceeded);
  CHECK(code(R"({"type":"symlink","target":")" + std::string(4096, 't') + "\"}") ==
        Code::limit_exceeded);
  CHECK(code_of([&] { parse_nar_listing(R"({"version":2,"root":)" + file + "}"); }) ==
        Code::not_supported);
  CHECK(code_of([&] { parse_nar_listing(R"({"root":)" + file + "}"); }) == Code::malformed);
  const auto error = error_of([] {
    parse_nar_listing(
        R"({"version":1,"root":{"type":"directory","entries":{"a/b":{"type":"regular"}}}})");
  });
  REQUIRE(error);
  CHECK(error->subject() == "/root/entries/a~1b");
}

TEST_CASE("trees are as deep as NARs, and no deeper") {
  MemoryTree tree = regular("x");
  for (std::uint32_t i = 1; i < nar_depth_max; ++i) {
    MemoryTree::Directory directory;
    directory.entries.emplace("d", std::move(tree));
    tree = {std::move(directory)};
  }
  const NarListing listing = listing_of(nar_of(tree));
  CHECK(parse_nar_listing(print_nar_listing(listing)) == listing);
  CHECK(parse_tree_json(print_tree_json(tree), 100'000) == tree);

  MemoryTree::Directory directory;
  directory.entries.emplace("d", std::move(tree));
  tree = {std::move(directory)};
  CHECK(code_of([&] { nar_of(tree); }) == Code::limit_exceeded);
  CHECK(code_of([&] { print_tree_json(tree); }) == Code::limit_exceeded);
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += R"({"type":"directory","entries":{"d":)";
  CHECK(code_of([&] { parse_listed_object(deep); }) == Code::limit_exceeded);
}

TEST_CASE("what a wrong listing points at is no file") {
  const std::string nar = nar_of(sample());
  const ListedContents file = listing_of(nar).find("z")->regular()->contents;
  const auto code = [&](std::uint64_t size_bytes, std::optional<std::uint64_t> offset) {
    return code_of([&] { (void)contents_in_nar(as_bytes(nar), {size_bytes, offset}); });
  };
  CHECK_FALSE(code(11, file.nar_offset));
  CHECK(code(11, std::nullopt) == Code::invalid_argument);
  CHECK(code(12, file.nar_offset) == Code::malformed);
  for (const std::uint64_t offset :
       {std::uint64_t{0}, std::uint64_t{8}, *file.nar_offset - 8, *file.nar_offset + 1,
        std::uint64_t{nar.size()}, UINT64_MAX, UINT64_MAX - 7, std::uint64_t{1} << 63}) {
    CHECK(code(11, offset) == Code::malformed);
    CHECK(code(UINT64_MAX, offset) == Code::malformed);
  }
}

TEST_CASE("JSON holds UTF-8 only") {
  CHECK(code_of([] { print_tree_json(regular("\xff")); }) == Code::not_supported);
  MemoryTree::Directory directory;
  directory.entries.emplace("\xff", regular("x"));
  const NarListing listing = listing_of(nar_of({std::move(directory)}));
  CHECK(code_of([&] { print_nar_listing(listing); }) == Code::not_supported);
}

}  // namespace cinch
