#include "catch.hh"
#include "errors.hh"
#include "memory_store.hh"

#include <cinch/core/export_archive.hh>

#include <algorithm>

namespace cinch {

using test::code_of;
using test::error_of;
using test::MemoryStore;

namespace {

class StringSpool final : public Spool {
 public:
  void write(Bytes bytes) override { text_ += as_text(bytes); }
  Source& read_back() override { return source_.emplace(text_); }

 private:
  std::string text_;
  std::optional<StringSource> source_;
};

const ImportOptions options{.policy = SignaturePolicy::accept_unsigned,
                            .make_spool = [] { return std::make_unique<StringSpool>(); }};

struct Pair {
  MemoryStore store;
  StorePath bottom = store.put("bottom");
  StorePath top = store.put("top", {bottom});

  std::string archive() {
    StringSink sink(std::uint64_t{1} << 20);
    export_paths(store, {bottom, top}, sink);
    return sink.take();
  }
};

std::vector<StorePath> import_text(Store& store, std::string_view text) {
  StringSource source(text);
  return import_paths(store, source, options);
}

std::string number(std::uint64_t value) {
  std::string bytes;
  for (int byte = 0; byte < 8; ++byte) bytes += static_cast<char>(value >> (8 * byte) & 0xff);
  return bytes;
}

std::string text_field(const std::string& text) {
  return number(text.size()) + text + std::string((8 - text.size() % 8) % 8, '\0');
}

}  // namespace

TEST_CASE("an archive has the NARs and what follows each of them") {
  Pair pair;
  const auto object = [&](const StorePath& path, const std::string& references) {
    return number(1) + pair.store.objects.at(path).nar + number(0x4558494e) +
           text_field(pair.store.store_dir().print(path)) + references + text_field("") + number(0);
  };
  const std::string of_top = number(1) + text_field(pair.store.store_dir().print(pair.bottom));
  CHECK(pair.archive() == object(pair.bottom, number(0)) + object(pair.top, of_top) + number(0));
}

TEST_CASE("what is exported is imported, references first") {
  Pair pair;
  const StorePath deriver = StorePath::parse("00000000000000000000000000000000-a.drv");
  pair.store.objects.at(pair.top).info.deriver = deriver;
  MemoryStore to;
  CHECK(import_text(to, pair.archive()) == std::vector{pair.bottom, pair.top});
  CHECK(to.added == std::vector{pair.bottom, pair.top});
  CHECK(to.temporary_roots == StorePathSet{pair.bottom, pair.top});
  const PathInfo info = to.require(pair.top);
  CHECK(info.deriver == deriver);
  CHECK(info.references == StorePathSet{pair.bottom});
  CHECK(info.nar_hash == pair.store.require(pair.top).nar_hash);
  CHECK(info.nar_size == pair.store.require(pair.top).nar_size);
  CHECK_FALSE(info.ultimate);
}

TEST_CASE("only the archive itself is read") {
  Pair pair;
  MemoryStore to;
  const std::string text = pair.archive() + "what follows";
  StringSource source(text);
  CHECK(import_paths(to, source, options).size() == 2);
  CHECK(read_all(source, 100) == "what follows");
  BufferedSource nothing(source);
  CHECK(code_of([&] { import_paths(to, nothing, options); }) == Code::malformed);
}

TEST_CASE("an old signature is passed over") {
  Pair pair;
  std::string text = pair.archive();
  const std::string end = number(0) + number(0);
  REQUIRE(text.ends_with(end));
  text.resize(text.size() - end.size());
  MemoryStore to;
  CHECK(import_text(to, text + number(1) + text_field("signed") + number(0)).size() == 2);
  const std::string too_long = number(1) + number(export_signature_bytes_max + 1);
  CHECK(code_of([&] { import_text(to, text + too_long); }) == Code::limit_exceeded);
  CHECK(code_of([&] { import_text(to, text + number(2)); }) == Code::malformed);
}

TEST_CASE("exports that cannot be") {
  Pair pair;
  StringSink sink(std::uint64_t{1} << 20);
  SECTION("of what is not valid") {
    const StorePath stranger = StorePath::parse("00000000000000000000000000000000-a");
    CHECK(code_of([&] { export_paths(pair.store, {stranger}, sink); }) == Code::not_found);
    CHECK(sink.text().empty());
  }
  SECTION("of what was modified") {
    pair.store.objects.at(pair.top).nar = MemoryStore::file_nar("other");
    CHECK(code_of([&] { export_paths(pair.store, {pair.top}, sink); }) == Code::corrupt);
    CHECK(code_of([&] {
            MemoryStore to;
            import_text(to, sink.text());
          }) == Code::malformed);
  }
  SECTION("after a stop") {
    std::stop_source stop;
    stop.request_stop();
    CHECK(code_of([&] { export_paths(pair.store, {pair.top}, sink, stop.get_token()); }) ==
          Code::cancelled);
  }
}

TEST_CASE("archives that are refused") {
  Pair pair;
  const std::string good = pair.archive();
  MemoryStore to;
  const auto refused = [&](const std::string& text) {
    const auto error = error_of([&] { import_text(to, text); });
    REQUIRE(error);
    return *error;
  };
  const Error no_archive = refused(text_field("nix-archive-1"));
  CHECK(no_archive.code() == Code::malformed);
  CHECK(no_archive.offset() == 0);
  CHECK(refused("").code() == Code::malformed);
  // Every front of it.
  for (std::size_t size = 0; size < good.size(); size += 4) {
    CHECK(refused(good.substr(0, size)).code() == Code::malformed);
  }
  std::string bad = good;
  const std::size_t magic = bad.find("NIXE");
  bad[magic] = 'n';
  const Error no_magic = refused(bad);
  CHECK(no_magic.code() == Code::malformed);
  CHECK(no_magic.offset() == magic);
  bad = good;
  bad.replace(bad.find("/nix/store"), 10, "/nix/stone");
  CHECK(refused(bad).code() == Code::malformed);
  const std::string front = good.substr(0, magic + 8);
  CHECK(refused(front + number(1 << 20)).code() == Code::limit_exceeded);
  const std::string path = text_field(pair.store.store_dir().print(pair.bottom));
  CHECK(refused(front + path + number(export_references_max + 1)).code() == Code::limit_exceeded);
  std::string padded = path;
  padded.back() = 'x';
  CHECK(refused(front + padded).code() == Code::malformed);
}

TEST_CASE("a store that needs a spool says so") {
  Pair pair;
  MemoryStore to;
  const std::string text = pair.archive();
  StringSource source(text);
  CHECK(code_of([&] {
          import_paths(to, source, {.policy = SignaturePolicy::accept_unsigned, .make_spool = {}});
        }) == Code::not_supported);
}

}  // namespace cinch
