#include "catch.hh"
#include "errors.hh"

#include <cinch/core/encoding.hh>
#include <cinch/core/references.hh>

#include <random>
#include <vector>

namespace cinch {

using test::code_of;

namespace {

StorePath path_of(std::string_view hash_part, std::string_view name = "x") {
  return StorePath::parse(std::string(hash_part) + "-" + std::string(name));
}

// The obvious way to find references.
StorePathSet search(const StorePathSet& candidates, std::string_view text) {
  StorePathSet found;
  for (const StorePath& path : candidates) {
    if (text.find(path.hash_part()) != std::string_view::npos) found.insert(path);
  }
  return found;
}

StorePathSet scan(const StorePathSet& candidates, std::string_view text, std::size_t piece) {
  ReferenceScanner scanner(candidates);
  for (std::size_t i = 0; i < text.size(); i += piece) {
    scanner.write(as_bytes(text.substr(i, piece)));
  }
  return scanner.found();
}

const std::string hash_a = "vqpn17r03lqabwk0wksgpbgy620zwfd4";
const std::string hash_b = "b5jrmjqd1nnvqlrp8fnaiknsa4xmc7n6";

}  // namespace

TEST_CASE("references are found wherever they stand") {
  const StorePathSet candidates{path_of(hash_a), path_of(hash_b)};
  for (std::size_t before = 0; before < 70; ++before) {
    for (const std::size_t after : {0, 1, 15, 16, 31, 40}) {
      const std::string text = std::string(before, '/') + hash_a + std::string(after, '-');
      CHECK(scan(candidates, text, text.size()) == StorePathSet{path_of(hash_a)});
    }
  }
}

TEST_CASE("a scanner begins anew when what it found is taken") {
  ReferenceScanner scanner({path_of(hash_a), path_of(hash_b)});
  const std::string_view half = std::string_view(hash_a).substr(0, 20);
  scanner.write(as_bytes(hash_b));
  scanner.write(as_bytes("/" + std::string(half)));
  CHECK(scanner.take_found() == StorePathSet{path_of(hash_b)});
  scanner.write(as_bytes(std::string_view(hash_a).substr(20)));
  CHECK(scanner.take_found().empty());
  scanner.write(as_bytes(hash_a + hash_b));
  CHECK(scanner.found().size() == 2);
  CHECK(scanner.take_found().size() == 2);
  CHECK(scanner.found().empty());
}

TEST_CASE("references are found across every border between two writes") {
  const StorePathSet candidates{path_of(hash_a), path_of(hash_b)};
  const std::string text = "xx/nix/store/" + hash_a + "-t/" + hash_b;
  for (std::size_t border = 0; border <= text.size(); ++border) {
    CAPTURE(border);
    ReferenceScanner scanner(candidates);
    scanner.write(as_bytes(std::string_view(text).substr(0, border)));
    scanner.write({});
    scanner.write(as_bytes(std::string_view(text).substr(border)));
    CHECK(scanner.found() == candidates);
  }
  for (std::size_t piece = 1; piece < 80; ++piece) {
    CAPTURE(piece);
    CHECK(scan(candidates, text, piece) == candidates);
  }
}

TEST_CASE("references may overlap and stand in a long run of nix32 characters") {
  const std::string overlapping = hash_a + hash_b;
  const StorePathSet candidates{path_of(hash_a), path_of(hash_b),
                                path_of(overlapping.substr(1, 32)),
                                path_of(overlapping.substr(17, 32)), path_of(std::string(32, '0'))};
  const std::string text = std::string(100, '1') + overlapping + std::string(100, 'z');
  const StorePathSet expected = search(candidates, text);
  CHECK(expected.size() == 4);
  for (std::size_t piece = 1; piece < 90; ++piece) CHECK(scan(candidates, text, piece) == expected);
}

TEST_CASE("what is almost a reference is none") {
  const StorePathSet candidates{path_of(hash_a)};
  for (std::size_t i = 0; i < 32; ++i) {
    std::string text = hash_a;
    text[i] = text[i] == '0' ? '1' : '0';
    CHECK(scan(candidates, text, 7).empty());
    text[i] = 'e';
    CHECK(scan(candidates, text, 64).empty());
  }
  CHECK(scan(candidates, hash_a.substr(1), 64).empty());
  CHECK(scan(candidates, hash_a.substr(0, 31) + "/" + hash_a.substr(31), 64).empty());
  CHECK(scan({}, hash_a, 64).empty());
  CHECK(scan(candidates, "", 1).empty());
}

TEST_CASE("all paths that share a hash part are found") {
  const StorePathSet candidates{path_of(hash_a, "a"), path_of(hash_a, "b"), path_of(hash_b)};
  const StorePathSet expected{path_of(hash_a, "a"), path_of(hash_a, "b")};
  CHECK(scan(candidates, "/" + hash_a, 5) == expected);
}

TEST_CASE("a moved scanner goes on") {
  ReferenceScanner first({path_of(hash_a)});
  first.write(as_bytes(hash_a.substr(0, 20)));
  ReferenceScanner second(std::move(first));
  second.write(as_bytes(hash_a.substr(20)));
  CHECK(second.found().size() == 1);
}

TEST_CASE("the scanner finds what the obvious search finds, in random data") {
  std::mt19937 random(20261122);
  const auto below = [&](std::size_t limit) { return random() % limit; };
  for (int round = 0; round < 400; ++round) {
    CAPTURE(round);
    StorePathSet candidates;
    std::vector<std::string> hashes;
    for (std::size_t i = 0; i < 1 + below(20); ++i) {
      std::string digest(20, '\0');
      for (char& byte : digest) byte = static_cast<char>(random());
      hashes.push_back(nix32_encode(as_bytes(digest)));
      candidates.insert(path_of(hashes.back()));
    }
    std::string text;
    const std::size_t length = below(3000);
    while (text.size() < length) {
      switch (below(5)) {
        case 0:
          text += hashes[below(hashes.size())];
          break;
        case 1:
          text += hashes[below(hashes.size())].substr(below(32));
          break;
        case 2:
          text.append(below(60), nix32_alphabet[below(32)]);
          break;
        case 3:
          text.append(below(20), static_cast<char>(random()));
          break;
        default:
          for (std::size_t i = below(40); i > 0; --i) {
            text += static_cast<char>('0' + below(80));
          }
      }
    }
    const StorePathSet expected = search(candidates, text);
    ReferenceScanner scanner(candidates);
    for (std::size_t i = 0; i < text.size();) {
      const std::size_t piece = below(2) == 0 ? below(8) : below(200);
      scanner.write(as_bytes(std::string_view(text).substr(i, piece)));
      i += piece;
    }
    CHECK(scanner.found() == expected);
    CHECK(scan(candidates, text, text.size() + 1) == expected);
  }
}

namespace {

struct Rewritten {
  std::string text;
  std::vector<std::uint64_t> offsets;
  friend bool operator==(const Rewritten&, const Rewritten&) = default;
};

Rewritten rewrite(const ReferenceRewriter::HashParts& rewrites, std::string_view text,
                  std::size_t piece) {
  StringSink sink(std::uint64_t{1} << 24);
  Rewritten result;
  ReferenceRewriter rewriter(rewrites, sink,
                             [&](std::uint64_t offset) { result.offsets.push_back(offset); });
  for (std::size_t i = 0; i < text.size(); i += piece) {
    rewriter.write(as_bytes(text.substr(i, piece)));
  }
  rewriter.finish();
  result.text = sink.take();
  return result;
}

// The obvious way to rewrite.
Rewritten replace(const ReferenceRewriter::HashParts& rewrites, std::string text) {
  Rewritten result;
  for (std::size_t i = 0; i + 32 <= text.size();) {
    const auto found = rewrites.find(std::string_view(text).substr(i, 32));
    if (found == rewrites.end()) {
      ++i;
      continue;
    }
    text.replace(i, 32, found->second);
    result.offsets.push_back(i);
    i += 32;
  }
  result.text = std::move(text);
  return result;
}

}  // namespace

TEST_CASE("hash parts are replaced, wherever the stream is cut") {
  const ReferenceRewriter::HashParts exchange{{hash_a, hash_b}, {hash_b, hash_a}};
  const std::string text = "/nix/store/" + hash_a + "-t " + hash_b + hash_a + hash_a.substr(0, 31);
  const Rewritten expected = replace(exchange, text);
  CHECK(expected.offsets == std::vector<std::uint64_t>{11, 46, 78});
  for (std::size_t piece = 1; piece < 120; ++piece) {
    CAPTURE(piece);
    CHECK(rewrite(exchange, text, piece) == expected);
  }
  CHECK(rewrite({}, text, 7) == Rewritten{text, {}});
  CHECK(rewrite(exchange, "", 1) == Rewritten{});
}

TEST_CASE("what overlaps is replaced from the left") {
  const std::string run = std::string(32, '0');
  const ReferenceRewriter::HashParts rewrites{{run, std::string(32, '\0')}};
  for (const std::size_t length : {31u, 32u, 33u, 63u, 64u, 95u, 96u, 100u}) {
    for (const std::size_t piece : {1u, 3u, 32u, 50u, 1000u}) {
      CAPTURE(length, piece);
      const std::string text = "x" + std::string(length, '0') + "1";
      CHECK(rewrite(rewrites, text, piece) == replace(rewrites, text));
    }
  }
}

// What was put in, and the bytes that follow it, may look like another hash part.
TEST_CASE("what was put in is not looked at again") {
  const std::string first = hash_b.substr(16) + hash_a.substr(0, 16);
  const ReferenceRewriter::HashParts rewrites{{hash_a, hash_b}, {first, std::string(32, 'z')}};
  const std::string text = hash_a + hash_a.substr(0, 16) + "/";
  for (std::size_t piece = 1; piece < 60; ++piece) {
    CHECK(rewrite(rewrites, text, piece).text == hash_b + hash_a.substr(0, 16) + "/");
  }
}

TEST_CASE("the rewriter does what the obvious replacement does, in random data") {
  std::mt19937 random(20261122);
  const auto below = [&](std::size_t limit) { return random() % limit; };
  for (int round = 0; round < 200; ++round) {
    CAPTURE(round);
    ReferenceRewriter::HashParts rewrites;
    std::vector<std::string> hashes;
    for (std::size_t i = 0; i < 1 + below(5); ++i) {
      std::string digest(20, '\0');
      for (char& byte : digest) byte = static_cast<char>(random());
      hashes.push_back(nix32_encode(as_bytes(digest)));
      rewrites[hashes.back()] = hashes[below(hashes.size())];
    }
    std::string text;
    const std::size_t length = below(10) == 0 ? 200'000 : below(2000);
    while (text.size() < length) {
      const std::string& hash = hashes[below(hashes.size())];
      if (below(3) == 0) {
        text += hash;
      } else if (below(2) == 0) {
        text += hash.substr(below(32), below(32));
      } else {
        text.append(below(40), below(2) == 0 ? '/' : nix32_alphabet[below(32)]);
      }
    }
    const Rewritten expected = replace(rewrites, text);
    CHECK(rewrite(rewrites, text, 1 + below(100)) == expected);
    CHECK(rewrite(rewrites, text, 1 + below(100'000)) == expected);
  }
}

TEST_CASE("only hash parts are replaced, by as many bytes") {
  StringSink sink(100);
  const auto code = [&](const std::string& from, const std::string& to) {
    return code_of([&] { ReferenceRewriter({{from, to}}, sink); });
  };
  CHECK(code(hash_a.substr(1), hash_b) == Code::invalid_argument);
  CHECK(code("e" + hash_a.substr(1), hash_b) == Code::invalid_argument);
  CHECK(code(hash_a, hash_b + "x") == Code::invalid_argument);
  CHECK_FALSE(code(hash_a, std::string(32, '\0')));
}

}  // namespace cinch
