#include "catch.hh"

#include <cinch/core/encoding.hh>
#include <cinch/core/references.hh>

#include <random>
#include <vector>

namespace cinch {

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

}  // namespace cinch
