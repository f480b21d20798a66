// How fast the model is: hashing, NARs, the reference scanner. Prints one line a measurement: the
// best of several rounds, by processor time, so that a busy machine disturbs it little. Argument:
// a part of the names to measure; without one, all.

#include <cinch/core/content_address.hh>
#include <cinch/core/derivation_aterm.hh>
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
#include <random>
#include <string>

namespace cinch {

namespace {

constexpr int rounds = 5;
constexpr std::size_t megabyte = std::size_t{1} << 20;

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

  // Runs `work`, which does `count` units (bytes, objects), and prints units per second.
  void measure(const char* name, double count, const char* unit,
               const std::function<void()>& work) const {
    if (std::string_view(name).find(part) == std::string_view::npos) return;
    double best = 1e9;
    for (int round = 0; round < rounds; ++round) {
      const std::clock_t start = std::clock();
      work();
      const auto taken = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
      best = std::min(best, std::max(taken, 1e-6));
    }
    std::printf("%-34s %10.2f %s\n", name, count / best, unit);
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
  const std::string bytes = random_bytes(64 * megabyte);
  for (const auto algorithm : hash_algorithms) {
    const std::string name = "hash " + std::string(to_string(algorithm));
    chosen.measure(name.c_str(), 64, "MiB/s", [&] { hash_bytes(algorithm, as_bytes(bytes)); });
  }
  chosen.measure("hash sha256 of 100 bytes", 0.1, "million/s", [&] {
    for (int i = 0; i < 100'000; ++i) {
      hash_bytes(HashAlgorithm::sha256, as_bytes(bytes).subspan(static_cast<std::size_t>(i), 100));
    }
  });
  const Hash hash = hash_bytes(HashAlgorithm::sha256, as_bytes("x"));
  chosen.measure("hash print nix32", 0.1, "million/s", [&] {
    for (int i = 0; i < 100'000; ++i) (void)hash.to_string(HashFormat::nix32);
  });
  const std::string text = hash.to_string(HashFormat::nix32);
  chosen.measure("hash parse nix32", 0.1, "million/s", [&] {
    for (int i = 0; i < 100'000; ++i) (void)Hash::parse(text);
  });
}

void bench_paths(const Chosen& chosen) {
  const StoreDir dir;
  const std::string text = "/nix/store/vqpn17r03lqabwk0wksgpbgy620zwfd4-hello-2.10-some-name";
  chosen.measure("path parse", 0.1, "million/s", [&] {
    for (int i = 0; i < 100'000; ++i) (void)dir.parse(text);
  });
  const Hash hash = hash_bytes(HashAlgorithm::sha256, as_bytes("x"));
  chosen.measure("path make", 0.1, "million/s", [&] {
    for (int i = 0; i < 100'000; ++i) (void)make_output_path(dir, "out", hash, "hello-2.10");
  });
}

void bench_nars(const Chosen& chosen) {
  const std::string small = small_files_nar(100'000);
  const double small_mib = static_cast<double>(small.size()) / megabyte;
  chosen.measure("nar parse small files, 64 KiB", 0.1, "million files/s",
                 [&] { parse_in_pieces(small, 65536); });
  chosen.measure("nar parse small files, 64 KiB", small_mib, "MiB/s",
                 [&] { parse_in_pieces(small, 65536); });
  chosen.measure("nar copy small files", small_mib, "MiB/s", [&] {
    StringSource source(small);
    NullSink sink;
    copy_nar(source, sink);
  });
  chosen.measure("nar parse and write small files", small_mib, "MiB/s", [&] {
    NullSink sink;
    NarWriter writer(sink);
    NarParserSink parser(writer);
    parser.write(as_bytes(small));
    parser.finish();
    writer.finish();
  });
  chosen.measure("nar listing of small files", 0.1, "million files/s", [&] {
    NarListingBuilder builder;
    NarParserSink parser(builder);
    parser.write(as_bytes(small));
    parser.finish();
    (void)builder.take();
  });
  const std::string large = large_file_nar(256 * megabyte);
  chosen.measure("nar parse a large file, 64 KiB", 256, "MiB/s",
                 [&] { parse_in_pieces(large, 65536); });
  chosen.measure("nar copy a large file", 256, "MiB/s", [&] {
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
  constexpr int times = 200;
  const StoreDir dir;
  const Derivation derivation = large_derivation();
  const std::string text = print_derivation(derivation, dir);
  const double megabytes = static_cast<double>(text.size()) * times / 1e6;
  chosen.measure("derivation parse, 16 KB", megabytes, "MB/s", [&] {
    for (int i = 0; i < times; ++i) (void)parse_derivation(text, "large", dir);
  });
  chosen.measure("derivation print, 16 KB", megabytes, "MB/s", [&] {
    for (int i = 0; i < times; ++i) (void)print_derivation(derivation, dir);
  });
}

void bench_scanner(const Chosen& chosen) {
  const StorePathSet few = candidates(10);
  const StorePathSet many = candidates(10'000);
  const auto run = [&](const char* name, const std::string& text, const StorePathSet& paths) {
    chosen.measure(name, 64 * static_cast<double>(text.size()) / megabyte, "MiB/s",
                   [&] { scan(paths, text); });
  };
  const std::string program = program_bytes(megabyte);
  run("scan a program, 10 candidates", program, few);
  run("scan a program, 10000 candidates", program, many);
  run("scan random bytes", random_bytes(megabyte), many);
  run("scan words", words(megabyte), many);
  run("scan base16", base16_encode(as_bytes(random_bytes(megabyte / 2))), many);
  run("scan zeros (text)", std::string(megabyte, '0'), many);
  run("scan nix32 throughout", nix32_encode(as_bytes(random_bytes(megabyte / 2))), many);
}

// A tree as it is in memory, so that nothing but its NAR and the hash is measured: one large file,
// or 8,000 small ones.
void bench_trees(const Chosen& chosen) {
  const std::string bytes = random_bytes(256 * megabyte);
  const auto hash_nar = [](const std::function<void(NarVisitor&)>& write) {
    Hasher hasher(HashAlgorithm::sha256);
    NarWriter writer(hasher);
    write(writer);
    writer.finish();
    (void)hasher.finish();
  };
  chosen.measure("sha256 of the same bytes", 256, "MiB/s",
                 [&] { hash_bytes(HashAlgorithm::sha256, as_bytes(bytes)); });
  chosen.measure("nar and sha256 of a large file", 256, "MiB/s", [&] {
    hash_nar([&](NarVisitor& to) {
      to.file(bytes.size(), false);
      for (std::size_t i = 0; i < bytes.size(); i += stream_buffer_bytes) {
        to.contents(as_bytes(bytes).subspan(i, stream_buffer_bytes));
      }
      to.leave();
    });
  });
  constexpr std::size_t files = 8'000;
  constexpr std::size_t file_bytes = 4'000;
  MemoryTree::Directory directory;
  for (std::size_t i = 0; i < files; ++i) {
    directory.entries.emplace("file-" + std::to_string(100'000 + i),
                              MemoryTree{MemoryTree::Regular{bytes.substr(i, file_bytes)}});
  }
  const MemoryTree tree{std::move(directory)};
  chosen.measure("nar and sha256 of 8,000 files", files * file_bytes / double{megabyte}, "MiB/s",
                 [&] { hash_nar([&](NarVisitor& to) { visit_tree(tree, to); }); });
}

void bench_rewriter(const Chosen& chosen) {
  const std::string program = program_bytes(64 * megabyte);
  ReferenceRewriter::HashParts rewrites;
  for (const StorePath& path : candidates(10)) {
    rewrites.emplace(path.hash_part(), std::string(store_path_hash_part_length, '0'));
  }
  chosen.measure("rewrite a program, 10 hash parts", 64, "MiB/s", [&] {
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
  cinch::bench_scanner(chosen);
  cinch::bench_rewriter(chosen);
}
