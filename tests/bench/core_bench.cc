// How fast the model is: hashing, NARs, the reference scanner. Prints one line a measurement: the
// best of several rounds, by processor time, so that a busy machine disturbs it little. Argument:
// a part of the names to measure; without one, all.

#include "corpus.hh"

#include <cinch/core/content_address.hh>
#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/derivation_hash.hh>
#include <cinch/core/encoding.hh>
#include <cinch/core/hash.hh>
#include <cinch/core/nar.hh>
#include <cinch/core/nar_listing.hh>
#include <cinch/core/references.hh>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>

namespace cinch {

namespace {

constexpr int rounds = 5;
constexpr double seconds_min = 0.5;  // of all rounds, so that short ones find a quiet moment, too
constexpr std::size_t mebibyte = std::size_t{1} << 20;

double megabytes(std::size_t bytes) { return static_cast<double>(bytes) / 1e6; }

class NullSink final : public Sink {
 public:
  void write(Bytes bytes) override { total_ += bytes.size(); }

 private:
  std::size_t total_ = 0;
};

class NullVisitor final : public NarVisitor {
 public:
  void directory() override {}
  void entry(std::string_view) override {}
  void file(std::uint64_t, bool) override {}
  void contents(Bytes) override {}
  void symlink(std::string_view) override {}
  void leave() override {}
};

struct Chosen {
  std::string_view part;

  // The least seconds of processor time that `work` takes; nothing if it is not chosen.
  std::optional<double> best_of(std::string_view name, const std::function<void()>& work) const {
    if (name.find(part) == std::string_view::npos) return std::nullopt;
    double best = 1e9;
    double spent = 0;
    for (int round = 0; round < rounds || spent < seconds_min; ++round) {
      const std::clock_t start = std::clock();
      work();
      const auto taken = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
      best = std::min(best, std::max(taken, 1e-6));
      spent += std::max(taken, 1e-6);
    }
    return best;
  }
  // `work` does `count` units (megabytes, millions of objects): prints units per second.
  void rate(const char* name, double count, const char* unit,
            const std::function<void()>& work) const {
    if (const auto best = best_of(name, work)) tell(name, count / *best, unit);
  }
  // `work` is done `times` times: prints the time of one, in units of which a second has so many.
  void time(const char* name, double times, double units_in_second, const char* unit,
            const std::function<void()>& work) const {
    if (const auto best = best_of(name, work)) tell(name, *best / times * units_in_second, unit);
  }

 private:
  static void tell(const char* name, double figure, const char* unit) {
    std::printf("%-36s %10.2f %s\n", name, figure, unit);
    std::fflush(stdout);
  }
};

std::string random_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  std::mt19937_64 random(1);
  for (std::size_t i = 0; i + 8 <= size; i += 8) {
    const std::uint64_t value = random();
    std::copy_n(reinterpret_cast<const char*>(&value), 8, bytes.data() + i);
  }
  return bytes;
}

// What a program is like: this very one, again and again.
std::string program_bytes(std::size_t size) {
  std::ifstream stream("/proc/self/exe", std::ios::binary);
  const std::string self{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  std::string bytes;
  while (bytes.size() < size) bytes += self;
  bytes.resize(size);
  return bytes;
}

std::string words(std::size_t size) {
  std::string text;
  std::mt19937 random(1);
  while (text.size() < size) {
    for (std::size_t i = 1 + random() % 10; i > 0; --i) {
      text += static_cast<char>('a' + random() % 26);
    }
    text += ' ';
  }
  return text;
}

StorePathSet candidates(std::size_t count) {
  StorePathSet paths;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string number = std::to_string(i);
    const Hash hash = hash_bytes(HashAlgorithm::sha1, as_bytes(number));
    paths.insert(StorePath::from_parts(hash.digest(), "candidate"));
  }
  return paths;
}

std::string small_files_nar(std::size_t count) {
  StringSink sink(std::uint64_t{1} << 30);
  NarWriter writer(sink);
  writer.directory();
  for (std::size_t i = 0; i < count; ++i) {
    writer.entry("file-" + std::to_string(100'000'000 + i));
    writer.file(100, false);
    writer.contents(as_bytes(std::string(100, 'x')));
    writer.leave();
  }
  writer.leave();
  writer.finish();
  return sink.take();
}

std::string large_file_nar(std::size_t size) {
  StringSink sink(std::uint64_t{1} << 30);
  NarWriter writer(sink);
  writer.file(size, false);
  writer.contents(as_bytes(random_bytes(size)));
  writer.leave();
  writer.finish();
  return sink.take();
}

void parse_in_pieces(std::string_view nar, std::size_t piece) {
  NullVisitor visitor;
  NarParserSink parser(visitor);
  for (std::size_t i = 0; i < nar.size(); i += piece) parser.write(as_bytes(nar.substr(i, piece)));
  parser.finish();
}

// In the pieces and from the cache in which a stream is scanned as it passes.
void scan(const StorePathSet& paths, std::string_view text) {
  constexpr std::size_t piece = 65536;
  ReferenceScanner scanner(paths);
  for (int pass = 0; pass < 64; ++pass) {
    for (std::size_t i = 0; i < text.size(); i += piece) {
      scanner.write(as_bytes(text.substr(i, piece)));
    }
  }
  if (!scanner.found().empty()) std::puts("unexpected reference");
}

void bench_hashes(const Chosen& chosen) {
  const std::string bytes = random_bytes(64 * mebibyte);
  for (const auto algorithm : hash_algorithms) {
    const std::string name = "hash " + std::string(to_string(algorithm));
    chosen.rate(name.c_str(), megabytes(bytes.size()), "MB/s",
                [&] { hash_bytes(algorithm, as_bytes(bytes)); });
  }
  chosen.rate("hash sha256 of 100 bytes", 0.1, "million/s", [&] {
    for (int i = 0; i < 100'000; ++i) {
      hash_bytes(HashAlgorithm::sha256, as_bytes(bytes).subspan(static_cast<std::size_t>(i), 100));
    }
  });
  const Hash hash = hash_bytes(HashAlgorithm::sha256, as_bytes("x"));
  chosen.rate("hash print nix32", 0.1, "million/s", [&] {
    for (int i = 0; i < 100'000; ++i) (void)hash.to_string(HashFormat::nix32);
  });
  const std::string text = hash.to_string(HashFormat::nix32);
  chosen.rate("hash parse nix32", 0.1, "million/s", [&] {
    for (int i = 0; i < 100'000; ++i) (void)Hash::parse(text);
  });
}

void bench_paths(const Chosen& chosen) {
  const StoreDir dir;
  const std::string text = "/nix/store/vqpn17r03lqabwk0wksgpbgy620zwfd4-hello-2.10-some-name";
  chosen.time("path parse", 1e5, 1e9, "ns", [&] {
    for (int i = 0; i < 100'000; ++i) (void)dir.parse(text);
  });
  const Hash hash = hash_bytes(HashAlgorithm::sha256, as_bytes("x"));
  chosen.rate("path make", 0.1, "million/s", [&] {
    for (int i = 0; i < 100'000; ++i) (void)make_output_path(dir, "out", hash, "hello-2.10");
  });
}

void bench_nars(const Chosen& chosen) {
  const std::string small = small_files_nar(100'000);
  const double small_mb = megabytes(small.size());
  chosen.rate("nar parse small files, 64 KiB", 0.1, "million files/s",
              [&] { parse_in_pieces(small, 65536); });
  chosen.rate("nar parse small files, 64 KiB", small_mb, "MB/s",
              [&] { parse_in_pieces(small, 65536); });
  chosen.rate("nar copy small files", small_mb, "MB/s", [&] {
    StringSource source(small);
    NullSink sink;
    copy_nar(source, sink);
  });
  chosen.rate("nar parse and write small files", small_mb, "MB/s", [&] {
    NullSink sink;
    NarWriter writer(sink);
    NarParserSink parser(writer);
    parser.write(as_bytes(small));
    parser.finish();
    writer.finish();
  });
  chosen.rate("nar listing of small files", 0.1, "million files/s", [&] {
    NarListingBuilder builder;
    NarParserSink parser(builder);
    parser.write(as_bytes(small));
    parser.finish();
    (void)builder.take();
  });
  const std::string large = large_file_nar(256 * mebibyte);
  chosen.rate("nar parse a large file", megabytes(large.size()), "MB/s", [&] {
    StringSource source(large);
    NullVisitor visitor;
    parse_nar(source, visitor);
  });
  chosen.rate("nar copy a large file", megabytes(large.size()), "MB/s", [&] {
    StringSource source(large);
    NullSink sink;
    copy_nar(source, sink);
  });
}

// Of about 16 KB: half of it inputs and sources, half of it variables, a few of them escaped.
Derivation large_derivation() {
  Derivation derivation;
  derivation.name = "large";
  derivation.outputs = {{"out", DeferredOutput{}}};
  derivation.system = "x86_64-linux";
  derivation.builder = "/bin/sh";
  for (const StorePath& path : candidates(90)) {
    derivation.input_derivations[StorePath::parse(path.base_name() + ".drv")] = {"out"};
    if (derivation.input_derivations.size() % 9 == 0) derivation.input_sources.insert(path);
  }
  for (int i = 0; i < 50; ++i) {
    derivation.environment["variable" + std::to_string(i)] =
        words(160) + (i % 10 == 0 ? "\"a\"\n" : "");
  }
  return derivation;
}

void bench_derivations(const Chosen& chosen) {
  constexpr std::size_t times = 200;
  const StoreDir dir;
  const Derivation derivation = large_derivation();
  const std::string text = print_derivation(derivation, dir);
  const double total = megabytes(text.size() * times);
  chosen.rate("derivation parse, 16 KB", total, "MB/s", [&] {
    for (std::size_t i = 0; i < times; ++i) (void)parse_derivation(text, "large", dir);
  });
  chosen.rate("derivation print, 16 KB", total, "MB/s", [&] {
    for (std::size_t i = 0; i < times; ++i) (void)print_derivation(derivation, dir);
  });
}

// From bytes: reading each, then its hash modulo and output paths, held against those it has.
void bench_corpus(const Chosen& chosen) {
  const auto corpus = test::find_corpus();
  if (!corpus) return std::puts("derivations of the corpus            skipped: no corpus"), void();
  const auto texts = test::read_corpus(*corpus);
  const StoreDir dir;
  chosen.time("derivations of the corpus", 1, 1e3, "ms", [&] {
    std::unordered_map<StorePath, std::shared_ptr<const Derivation>> derivations;
    for (const auto& [path, text] : texts) {
      derivations.emplace(path, std::make_shared<const Derivation>(
                                    parse_derivation(text, path.derivation_name(), dir)));
    }
    auto hasher =
        DerivationHasher::lending(dir, [&](const StorePath& path) { return derivations.at(path); });
    for (const auto& [path, derivation] : derivations) hasher.check_outputs(*derivation);
  });
}

void bench_scanner(const Chosen& chosen) {
  const StorePathSet few = candidates(10);
  const StorePathSet many = candidates(10'000);
  const auto run = [&](const char* name, const std::string& text, const StorePathSet& paths) {
    chosen.rate(name, 64 * megabytes(text.size()), "MB/s", [&] { scan(paths, text); });
  };
  const std::string program = program_bytes(mebibyte);
  run("scan a program, 10 candidates", program, few);
  run("scan a program, 10000 candidates", program, many);
  run("scan random bytes", random_bytes(mebibyte), many);
  run("scan words", words(mebibyte), many);
  run("scan base16", base16_encode(as_bytes(random_bytes(mebibyte / 2))), many);
  run("scan zeros (text)", std::string(mebibyte, '0'), many);
  run("scan nix32 throughout", nix32_encode(as_bytes(random_bytes(mebibyte / 2))), many);
}

// Counts the bytes of a NAR on their way to be hashed.
class CountingHasher final : public Sink {
 public:
  void write(Bytes bytes) override {
    size_ += bytes.size();
    hasher_.write(bytes);
  }
  std::size_t finish() {
    (void)hasher_.finish();
    return size_;
  }

 private:
  Hasher hasher_{HashAlgorithm::sha256};
  std::size_t size_ = 0;
};

// Returns the size of the NAR.
std::size_t hash_nar(const std::function<void(NarVisitor&)>& write) {
  CountingHasher hasher;
  NarWriter writer(hasher);
  write(writer);
  writer.finish();
  return hasher.finish();
}

MemoryTree tree_of_small_files(std::size_t files, std::string_view contents) {
  MemoryTree::Directory directory;
  for (std::size_t i = 0; i < files; ++i) {
    directory.entries.emplace("file-" + std::to_string(100'000 + i),
                              MemoryTree{MemoryTree::Regular{std::string(contents)}});
  }
  return MemoryTree{std::move(directory)};
}

// Trees as they are in memory, so that nothing but the NAR and the hash is measured: one large
// file, or 8,000 small ones, 130 MB.
void bench_trees(const Chosen& chosen) {
  const std::string bytes = random_bytes(256 * mebibyte);
  chosen.rate("sha256 of as many bytes", megabytes(bytes.size()), "MB/s",
              [&] { hash_bytes(HashAlgorithm::sha256, as_bytes(bytes)); });
  chosen.rate("nar and sha256 of a large file", megabytes(bytes.size()), "MB/s", [&] {
    hash_nar([&](NarVisitor& to) {
      to.file(bytes.size(), false);
      for (std::size_t i = 0; i < bytes.size(); i += stream_buffer_bytes) {
        to.contents(as_bytes(bytes).subspan(i, stream_buffer_bytes));
      }
      to.leave();
    });
  });
  const auto small = [&](const char* name, std::size_t file_bytes) {
    const MemoryTree tree = tree_of_small_files(8'000, bytes.substr(0, file_bytes));
    const auto visit = [&](NarVisitor& to) { visit_tree(tree, to); };
    chosen.rate(name, megabytes(hash_nar(visit)), "MB/s", [&] { hash_nar(visit); });
  };
  small("nar and sha256 of 8,000 files", 16'250);
  small("nar and sha256 of 8,000 tiny files", 4'000);
}

void bench_rewriter(const Chosen& chosen) {
  const std::string program = program_bytes(64 * mebibyte);
  ReferenceRewriter::HashParts rewrites;
  for (const StorePath& path : candidates(10)) {
    rewrites.emplace(path.hash_part(), std::string(store_path_hash_part_length, '0'));
  }
  chosen.rate("rewrite a program, 10 hash parts", megabytes(program.size()), "MB/s", [&] {
    NullSink sink;
    ReferenceRewriter rewriter(rewrites, sink);
    rewriter.write(as_bytes(program));
    rewriter.finish();
  });
}

}  // namespace

}  // namespace cinch

int main(int argc, char* argv[]) {
  const cinch::Chosen chosen{argc > 1 ? argv[1] : ""};
  cinch::bench_hashes(chosen);
  cinch::bench_paths(chosen);
  cinch::bench_nars(chosen);
  cinch::bench_trees(chosen);
  cinch::bench_derivations(chosen);
  cinch::bench_corpus(chosen);
  cinch::bench_scanner(chosen);
  cinch::bench_rewriter(chosen);
}
