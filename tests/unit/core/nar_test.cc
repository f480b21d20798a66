#include "catch.hh"
#include "errors.hh"

#include <cinch/core/hash.hh>
#include <cinch/core/nar.hh>

#include <random>
#include <set>

namespace cinch {

using test::code_of;
using test::error_of;
using Step = NarReader::Step;

namespace {

std::string token(std::string_view text) {
  std::string bytes;
  for (std::uint64_t rest = text.size(), i = 0; i < 8; ++i, rest >>= 8) {
    bytes += static_cast<char>(rest & 0xff);
  }
  bytes += text;
  bytes.append(-text.size() % 8, '\0');
  return bytes;
}

std::string tokens(std::initializer_list<std::string_view> texts) {
  std::string bytes;
  for (const std::string_view text : texts) bytes += token(text);
  return bytes;
}

std::string length(std::uint64_t value) {
  std::string bytes;
  for (int i = 0; i < 8; ++i, value >>= 8) bytes += static_cast<char>(value & 0xff);
  return bytes;
}

// Writes down what it is told, one line an event; adjoining contents are one event.
class Record final : public NarVisitor {
 public:
  void directory() override { add("directory"); }
  void entry(std::string_view name) override { add("entry " + std::string(name)); }
  void file(std::uint64_t size_bytes, bool executable) override {
    add("file " + std::to_string(size_bytes) + (executable ? " executable" : ""));
  }
  void contents(Bytes bytes) override {
    CHECK_FALSE(bytes.empty());
    if (!in_contents_) add("contents ");
    in_contents_ = true;
    text_.insert(text_.size() - 1, as_text(bytes));
  }
  void symlink(std::string_view target) override { add("symlink " + std::string(target)); }
  void leave() override { add("leave"); }

  const std::string& text() const { return text_; }

 private:
  void add(const std::string& line) {
    in_contents_ = false;
    text_ += line + "\n";
  }

  std::string text_;
  bool in_contents_ = false;
};

std::string events_of(std::string_view nar, std::size_t piece = SIZE_MAX) {
  Record record;
  NarParserSink parser(record);
  for (std::size_t i = 0; i < nar.size(); i += std::min(piece, nar.size())) {
    parser.write(as_bytes(nar.substr(i, piece)));
  }
  parser.finish();
  return record.text();
}

// The error that parsing gives; it must not depend on how the input is cut.
Error refusal(std::string_view nar) {
  const auto whole = error_of([&] { events_of(nar); });
  REQUIRE(whole);
  for (const std::size_t piece : {1, 3, 8, 61}) {
    const auto cut = error_of([&] { events_of(nar, piece); });
    REQUIRE(cut);
    CHECK(std::string(cut->what()) == whole->what());
    CHECK(cut->code() == whole->code());
  }
  return *whole;
}

template <typename Write>
std::string nar_of(Write write) {
  StringSink sink(std::uint64_t{1} << 30);
  NarWriter writer(sink);
  write(writer);
  writer.finish();
  return sink.take();
}

template <typename Write>
std::optional<Code> write_code(Write write) {
  return code_of([&] { nar_of(write); });
}

void write_file(NarVisitor& writer, std::string_view contents, bool executable = false) {
  writer.file(contents.size(), executable);
  if (!contents.empty()) writer.contents(as_bytes(contents));
  writer.leave();
}

std::string hello_nar() {
  return tokens({"nix-archive-1", "(", "type", "regular", "contents", "hello", ")"});
}

std::string directory_nar(const std::string& entries) {
  return tokens({"nix-archive-1", "(", "type", "directory"}) + entries + token(")");
}

std::string link_entry(std::string_view name) {
  return tokens(
      {"entry", "(", "name", name, "node", "(", "type", "symlink", "target", "t", ")", ")"});
}

// A random tree, written to `visitor`.
class RandomTree {
 public:
  explicit RandomTree(std::uint32_t seed) : random_(seed) {}

  void write(NarVisitor& visitor, int depth = 0) {
    switch (below(depth < 5 ? 4 : 2)) {
      case 0:
        visitor.symlink(text(1 + below(20), 'a'));
        break;
      case 1:
        write_file(visitor, text(below(3) == 0 ? 0 : below(200), '\0'), below(2) == 0);
        break;
      default:
        visitor.directory();
        std::set<std::string> names;
        for (std::size_t i = below(6); i > 0; --i) names.insert(text(1 + below(12), 'a'));
        for (const std::string& name : names) {
          visitor.entry(name);
          write(visitor, depth + 1);
        }
        visitor.leave();
    }
  }

  std::size_t below(std::size_t limit) { return random_() % limit; }

 private:
  std::string text(std::size_t size, char first) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(first + below(first == '\0' ? 256 : 26));
    return bytes;
  }

  std::mt19937 random_;
};

}  // namespace

TEST_CASE("a NAR of a file is what the format says") {
  CHECK(nar_of([](NarWriter& writer) { write_file(writer, "hello"); }) == hello_nar());
  CHECK(nar_of([](NarWriter& writer) { write_file(writer, "", true); }) ==
        tokens({"nix-archive-1", "(", "type", "regular", "executable", "", "contents", "", ")"}));
  CHECK(nar_of([](NarWriter& writer) { writer.symlink("../x"); }) ==
        tokens({"nix-archive-1", "(", "type", "symlink", "target", "../x", ")"}));
  // What nix-hash of Nix 2.8.0 prints for a file that holds "hello".
  CHECK(hash_bytes(HashAlgorithm::sha256, as_bytes(hello_nar())).digest_text(HashFormat::nix32) ==
        "0sg9f58l1jj88w6pdrfdpj5x9b1zrwszk84j81zvby36q9whhhqa");
}

TEST_CASE("a NAR of a directory is what the format says") {
  const std::string nar = nar_of([](NarWriter& writer) {
    writer.directory();
    writer.entry("a");
    writer.symlink("t");
    writer.entry("b");
    writer.directory();
    writer.leave();
    writer.leave();
  });
  CHECK(nar == directory_nar(link_entry("a") + tokens({"entry", "(", "name", "b", "node", "(",
                                                       "type", "directory", ")", ")"})));
  CHECK(events_of(nar) == "directory\nentry a\nsymlink t\nentry b\ndirectory\nleave\nleave\n");
}

TEST_CASE("a NAR gives the same events however it is cut") {
  for (std::uint32_t seed = 1; seed <= 150; ++seed) {
    CAPTURE(seed);
    Record expected;
    RandomTree(seed).write(expected);
    const std::string nar = nar_of([&](NarWriter& writer) { RandomTree(seed).write(writer); });
    CHECK(nar.size() % 8 == 0);
    CHECK(events_of(nar) == expected.text());
    CHECK(events_of(nar, 1) == expected.text());
    RandomTree random(seed);
    CHECK(events_of(nar, 1 + random.below(100)) == expected.text());
    const std::string again = nar_of([&](NarWriter& writer) {
      StringSource source(nar);
      parse_nar(source, writer);
    });
    CHECK(again == nar);
  }
}

TEST_CASE("one NAR is read from a source, and nothing that follows it") {
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    const std::string nar = nar_of([&](NarWriter& writer) { RandomTree(seed).write(writer); });
    const std::string twice = nar + nar + "rest";
    StringSource source(twice);
    Record record;
    parse_nar(source, record);
    CHECK(record.text() == events_of(nar));
    StringSink copy(nar.size());
    copy_nar(source, copy);
    CHECK(copy.text() == nar);
    CHECK(read_all(source, 100) == "rest");
  }
}

TEST_CASE("the reader says how much it certainly needs") {
  const std::string nar = hello_nar();
  NarReader reader;
  // The shortest NAR is an empty directory.
  CHECK(reader.needed() == directory_nar("").size());
  REQUIRE(reader.step() == Step::need_input);
  reader.put(as_bytes(nar).first(96));
  REQUIRE(reader.step() == Step::file);
  CHECK(reader.size_bytes() == 5);
  CHECK_FALSE(reader.executable());
  REQUIRE(reader.step() == Step::need_input);
  CHECK(reader.needed() == nar.size() - 96);
  CHECK(reader.offset() == 96);
  const std::string rest = nar.substr(96) + "more";
  reader.put(as_bytes(rest));
  REQUIRE(reader.step() == Step::contents);
  CHECK(as_text(reader.contents()) == "hello");
  CHECK(reader.contents().data() == as_bytes(rest).data());
  REQUIRE(reader.step() == Step::leave);
  REQUIRE(reader.step() == Step::finished);
  CHECK(reader.step() == Step::finished);
  CHECK(reader.unread() == 4);
  CHECK(reader.offset() == nar.size());
}

TEST_CASE("a NAR that ends too early is refused, wherever it ends") {
  const std::string nar = directory_nar(
      link_entry("a") + tokens({"entry", "(", "name", "b", "node", "(", "type", "regular",
                                "executable", "", "contents", "0123456789", ")", ")"}));
  for (std::size_t size = 0; size < nar.size(); ++size) {
    CAPTURE(size);
    const auto error = error_of([&] { events_of(std::string_view(nar).substr(0, size)); });
    REQUIRE(error);
    CHECK(error->code() == Code::malformed);
    CHECK(error->offset() == size);
    StringSource source(std::string_view(nar).substr(0, size));
    StringSink sink(nar.size());
    CHECK(code_of([&] { copy_nar(source, sink); }) == Code::malformed);
  }
}

TEST_CASE("every bit of a NAR's frame matters") {
  const std::string nar = directory_nar(
      link_entry("a") + tokens({"entry", "(", "name", "bb", "node", "(", "type", "regular",
                                "executable", "", "contents", "0123456789", ")", ")"}));
  const std::string events = events_of(nar);
  for (std::size_t i = 0; i < nar.size() * 8; ++i) {
    CAPTURE(i);
    std::string changed = nar;
    changed[i / 8] = static_cast<char>(changed[i / 8] ^ (1 << i % 8));
    std::string changed_events;
    const auto error = error_of([&] { changed_events = events_of(changed); });
    CHECK(changed_events != events);
    if (!error) continue;
    CHECK((error->code() == Code::malformed || error->code() == Code::limit_exceeded));
    REQUIRE(error->offset());
    CHECK(*error->offset() <= nar.size());
  }
}

TEST_CASE("what follows a NAR is refused by the sink") {
  CHECK(refusal(hello_nar() + "x").offset() == hello_nar().size());
  CHECK(refusal(hello_nar() + std::string(8, '\0')).code() == Code::malformed);
}

TEST_CASE("what is no NAR is called so") {
  CHECK(refusal("").message() == "the NAR ends too early");
  for (const std::string& text :
       {std::string("x"), std::string("#!/bin/sh\n"), std::string(100, 'x'), std::string(100, '\0'),
        tokens({"nix-archive-2", "("})}) {
    CHECK(refusal(text).message() == "this is not a NAR: it does not start with 'nix-archive-1'");
  }
  CHECK(refusal(tokens({"nix-archive-2"})).offset() == 20u);
}

TEST_CASE("bad entry names are refused") {
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("a/b"), std::string("/"),
        std::string("a\0b", 3), std::string(1, '\0')}) {
    CAPTURE(name);
    CHECK(refusal(directory_nar(link_entry(name))).code() == Code::malformed);
    CHECK(write_code([&](NarWriter& writer) {
            writer.directory();
            writer.entry(name);
          }) == Code::invalid_argument);
  }
  CHECK(refusal(directory_nar(link_entry(std::string(256, 'a')))).code() == Code::limit_exceeded);
  for (const std::string& name : {std::string(255, 'a'), std::string("..."), std::string(".a"),
                                  std::string("\xff\n\\"), std::string("x~nix~case~hack~1")}) {
    CHECK(events_of(directory_nar(link_entry(name))) ==
          "directory\nentry " + name + "\nsymlink t\nleave\n");
  }
}

TEST_CASE("entries must ascend bytewise") {
  struct Pair {
    std::string first;
    std::string second;
  };
  const Pair good[] = {{"a", "b"},    {"a", "aa"},    {"B", "a"},
                       {"a", "\xff"}, {"a-b", "a.b"}, {"a", "a\x01"}};
  for (const auto& pair : good) {
    const std::string& first = pair.first;
    const std::string& second = pair.second;
    CHECK_FALSE(code_of([&] { events_of(directory_nar(link_entry(first) + link_entry(second))); }));
    CHECK(refusal(directory_nar(link_entry(second) + link_entry(first))).message() ==
          "the entries of a directory are not sorted by name");
    CHECK(write_code([&](NarWriter& writer) {
            writer.directory();
            writer.entry(second);
            writer.symlink("t");
            writer.entry(first);
          }) == Code::invalid_argument);
  }
  CHECK(refusal(directory_nar(link_entry("a") + link_entry("a"))).message() ==
        "a directory has two entries of the same name");
}

TEST_CASE("order is kept for each directory on its own") {
  const std::string nar = nar_of([](NarWriter& writer) {
    writer.directory();
    writer.entry("m");
    writer.directory();
    writer.entry("a");
    writer.directory();
    writer.leave();
    writer.entry("z");
    writer.directory();
    writer.leave();
    writer.leave();
    writer.entry("n");
    writer.symlink("t");
    writer.leave();
  });
  CHECK_FALSE(code_of([&] { events_of(nar); }));
  std::string bad = nar;
  bad.replace(bad.find(token("n")), 16, token("m"));
  CHECK(refusal(bad).message() == "a directory has two entries of the same name");
}

TEST_CASE("bad symlink targets are refused") {
  const auto link = [](std::string_view target) {
    return tokens({"nix-archive-1", "(", "type", "symlink", "target", target, ")"});
  };
  CHECK(refusal(link("")).code() == Code::malformed);
  CHECK(refusal(link(std::string_view("a\0b", 3))).code() == Code::malformed);
  CHECK(refusal(link(std::string(4096, 'a'))).code() == Code::limit_exceeded);
  CHECK(events_of(link(std::string(4095, 'a'))) == "symlink " + std::string(4095, 'a') + "\n");
  CHECK(events_of(link(std::string(4095, 'a')), 100) == "symlink " + std::string(4095, 'a') + "\n");
  CHECK(write_code([](NarWriter& writer) { writer.symlink(""); }) == Code::invalid_argument);
  CHECK(write_code([](NarWriter& writer) { writer.symlink(std::string_view("a\0", 2)); }) ==
        Code::invalid_argument);
  CHECK(write_code([](NarWriter& writer) { writer.symlink(std::string(4096, 'a')); }) ==
        Code::limit_exceeded);
}

TEST_CASE("lengths are checked before they are used") {
  for (const std::uint64_t value :
       {std::uint64_t{1} << 63, UINT64_MAX, UINT64_MAX - 7, UINT64_MAX - 8, UINT64_MAX - 15,
        (std::uint64_t{1} << 62) + 1}) {
    CAPTURE(value);
    const std::string rest(64, '\0');
    const std::string file = tokens({"nix-archive-1", "(", "type", "regular", "contents"});
    CHECK(refusal(file + length(value) + rest).code() == Code::limit_exceeded);
    CHECK(refusal(file + length(value) + rest).offset() == file.size());
    const std::string script =
        tokens({"nix-archive-1", "(", "type", "regular", "executable", "", "contents"});
    CHECK(refusal(script + length(value) + rest).code() == Code::limit_exceeded);
    const std::string link = tokens({"nix-archive-1", "(", "type", "symlink", "target"});
    CHECK(refusal(link + length(value) + rest).code() == Code::limit_exceeded);
    const std::string entry =
        tokens({"nix-archive-1", "(", "type", "directory", "entry", "(", "name"});
    CHECK(refusal(entry + length(value) + rest).code() == Code::limit_exceeded);
    CHECK(refusal(length(value) + rest).code() == Code::malformed);
    const std::string node = tokens({"nix-archive-1", "(", "type"});
    CHECK(refusal(node + length(value) + rest).code() == Code::malformed);
    CHECK(write_code([&](NarWriter& writer) { writer.file(value, false); }) ==
          Code::limit_exceeded);
  }
  // The largest length that is allowed: all that is wrong is that the contents do not come.
  const std::string file = tokens({"nix-archive-1", "(", "type", "regular", "contents"});
  CHECK(refusal(file + length(std::uint64_t{1} << 62) + "x").message() == "the NAR ends too early");
}

TEST_CASE("fields in another order or of another value are refused") {
  const auto code = [](std::initializer_list<std::string_view> texts) {
    return refusal(token("nix-archive-1") + tokens(texts)).code();
  };
  CHECK(code({"(", "type", "regular", ")"}) == Code::malformed);
  CHECK(code({"(", "type", "regular", "contents", "x", "executable", "", ")"}) == Code::malformed);
  CHECK(code({"(", "type", "regular", "executable", "1", "contents", "x", ")"}) == Code::malformed);
  CHECK(code({"(", "type", "regular", "executable", "contents", "x", ")"}) == Code::malformed);
  CHECK(code({"(", "type", "regular", "executable", "", "executable", "", "contents", "", ")"}) ==
        Code::malformed);
  CHECK(code({"(", "type", "regular", "contents", "x", "contents", "x", ")"}) == Code::malformed);
  CHECK(code({"(", "type", "regular", "type", "regular", "contents", "x", ")"}) == Code::malformed);
  CHECK(code({"(", "type", "symlink", ")"}) == Code::malformed);
  CHECK(code({"(", "type", "fifo", ")", "padding", "padding"}) == Code::malformed);
  CHECK(code({"(", "type", "directorx", ")"}) == Code::malformed);
  CHECK(code({"(", "type", "directory", "entry", "(", "node", "(", "type", "directory", ")", "name",
              "a", ")", ")"}) == Code::malformed);
  CHECK(code({"(", "type", "directory", "entry", "(", "name", "a", ")", ")", "padding", "padding",
              "padding"}) == Code::malformed);
  CHECK(code({")", "padding", "padding", "padding"}) == Code::malformed);
}

TEST_CASE("padding must be zero") {
  const std::string nar = hello_nar();
  for (std::size_t i = 101; i < 104; ++i) {
    std::string bad = nar;
    bad[i] = '\x01';
    CHECK(refusal(bad).message() == "padding must be zero");
    CHECK(refusal(bad).offset() == i);
  }
}

TEST_CASE("nodes nest 64 deep and no deeper") {
  const auto nested = [](int depth, NarVisitor& visitor) {
    for (int i = 1; i < depth; ++i) {
      visitor.directory();
      visitor.entry("d");
    }
    visitor.symlink("t");
    for (int i = 1; i < depth; ++i) visitor.leave();
  };
  const std::string nar = nar_of([&](NarWriter& writer) { nested(64, writer); });
  Record expected;
  nested(64, expected);
  CHECK(events_of(nar) == expected.text());
  CHECK(write_code([&](NarWriter& writer) { nested(65, writer); }) == Code::limit_exceeded);

  std::string deep = token("nix-archive-1");
  for (int i = 0; i < 100'000; ++i) {
    deep += tokens({"(", "type", "directory", "entry", "(", "name", "d", "node"});
  }
  CHECK(error_of([&] { events_of(deep); })->code() == Code::limit_exceeded);
}

TEST_CASE("the writer refuses events that form no object") {
  const auto code = [](auto write) { return write_code(write); };
  CHECK(code([](NarWriter&) {}) == Code::invalid_argument);
  CHECK(code([](NarWriter& w) { w.entry("a"); }) == Code::invalid_argument);
  CHECK(code([](NarWriter& w) { w.leave(); }) == Code::invalid_argument);
  CHECK(code([](NarWriter& w) { w.contents(as_bytes("x")); }) == Code::invalid_argument);
  CHECK(code([](NarWriter& w) { w.directory(); }) == Code::invalid_argument);
  CHECK(code([](NarWriter& w) { w.file(1, false); }) == Code::invalid_argument);
  CHECK(code([](NarWriter& w) {
          w.file(1, false);
          w.leave();
        }) == Code::invalid_argument);
  CHECK(code([](NarWriter& w) {
          w.file(1, false);
          w.contents(as_bytes("xy"));
        }) == Code::invalid_argument);
  CHECK(code([](NarWriter& w) {
          w.symlink("t");
          w.symlink("t");
        }) == Code::invalid_argument);
  CHECK(code([](NarWriter& w) {
          w.directory();
          w.symlink("t");
        }) == Code::invalid_argument);
  CHECK(code([](NarWriter& w) {
          w.directory();
          w.entry("a");
          w.leave();
        }) == Code::invalid_argument);
  CHECK(code([](NarWriter& w) {
          w.directory();
          w.entry("a");
          w.entry("b");
        }) == Code::invalid_argument);
}

TEST_CASE("large contents pass through the writer in any pieces") {
  std::string contents(300'000, '\0');
  std::mt19937 random(7);
  for (char& byte : contents) byte = static_cast<char>(random());
  const std::string expected =
      tokens({"nix-archive-1", "(", "type", "regular", "contents", contents, ")"});
  for (const std::size_t piece : {1000, 16384, 32768, 32769, 300'000}) {
    CHECK(nar_of([&](NarWriter& writer) {
            writer.file(contents.size(), false);
            for (std::size_t i = 0; i < contents.size(); i += piece) {
              writer.contents(as_bytes(std::string_view(contents).substr(i, piece)));
            }
            writer.leave();
          }) == expected);
  }
}

TEST_CASE("a parser whose visitor failed refuses to go on") {
  struct Failing final : NarVisitor {
    void directory() override {}
    void entry(std::string_view) override {}
    void file(std::uint64_t, bool) override { throw Error(Code::no_space, "full"); }
    void contents(Bytes) override {}
    void symlink(std::string_view) override {}
    void leave() override {}
  } visitor;
  NarParserSink parser(visitor);
  CHECK(code_of([&] { parser.write(as_bytes(hello_nar())); }) == Code::no_space);
  CHECK(code_of([&] { parser.write(as_bytes("x")); }) == Code::invalid_argument);
  CHECK(code_of([&] { parser.finish(); }) == Code::invalid_argument);
}

}  // namespace cinch
