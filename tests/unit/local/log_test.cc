#include "catch.hh"
#include "errors.hh"
#include "local_fixture.hh"

#include <string>

using namespace cinch;
using namespace cinch::test;

namespace {

std::string log_of(LocalStore& store, const StorePath& derivation) {
  StringSink sink(std::uint64_t{64} << 20);
  return store.read_log(derivation, sink) ? sink.take() : "none";
}

}  // namespace

TEST_CASE("logs are kept and read again") {
  const Scratch scratch;
  const bool compress = GENERATE(true, false);
  const auto store = open_in(scratch, {.compress_logs = compress});
  const StorePath derivation = StorePath::parse("33333333333333333333333333333333-d.drv");
  CHECK(log_of(*store, derivation) == "none");
  std::string text;
  for (int line = 0; line < 100'000; ++line) text += "line " + std::to_string(line) + "\n";
  {
    const auto log = store->write_log(derivation);
    log->write(as_bytes("begins\n"));
    // Not visible before it is complete.
    CHECK(log_of(*store, derivation) == "none");
    log->write(as_bytes(text));
  }
  CHECK(log_of(*store, derivation) == "begins\n" + text);
  const std::string file = store->log_location(derivation);
  CHECK(file == scratch.path("root/nix/var/log/nix/drvs/33/333333333333333333333333333333-d.drv") +
                    (compress ? ".bz2" : ""));
  CHECK(Directory::open(scratch.path("root/nix/var/log/nix/drvs/33")).list().size() == 1);
  { const auto empty = store->write_log(derivation); }
  CHECK(log_of(*store, derivation).empty());

  // A store with the other setting replaces it, and finds both.
  const auto other = open_in(scratch, {.compress_logs = !compress});
  CHECK(log_of(*other, derivation).empty());
  other->write_log(derivation)->write(as_bytes("newer"));
  CHECK(log_of(*store, derivation) == "newer");
}

TEST_CASE("logs in the old place are found, broken ones refused") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const StorePath old = StorePath::parse("33333333333333333333333333333333-d.drv");
  const StorePath broken = StorePath::parse("44444444444444444444444444444444-d.drv");
  const Directory drvs = Directory::create(scratch.path("root/nix/var/log/nix/drvs"), 0755);
  drvs.write_file(old.base_name(), "flat", 0644);
  drvs.write_file(broken.base_name() + ".bz2", "BZh9 this is not bzip2", 0644);
  CHECK(log_of(*store, old) == "flat");
  CHECK(code_of([&] { log_of(*store, broken); }) == Code::io);
}

TEST_CASE("compressed logs may have several parts, but no part may be cut off") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const StorePath derivation = StorePath::parse("33333333333333333333333333333333-d.drv");
  store->write_log(derivation)->write(as_bytes("some words\n"));
  const Directory place = Directory::open(scratch.path("root/nix/var/log/nix/drvs/33"));
  const std::string name = "333333333333333333333333333333-d.drv.bz2";
  const std::string once = *place.read_file(name, std::uint64_t{1} << 20);
  place.write_file(name, once + once, 0644);
  CHECK(log_of(*store, derivation) == "some words\nsome words\n");
  for (const std::string& damaged :
       {once.substr(0, once.size() - 1), once.substr(0, 4), once + "x", std::string()}) {
    place.write_file(name, damaged, 0644);
    CHECK(code_of([&] { log_of(*store, derivation); }) == Code::io);
  }
}
