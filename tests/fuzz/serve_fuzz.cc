// Whatever a client of the serve protocol sends, the session ends with an Error or with the input,
// and what it has added is what its hash says.
#include "../unit/remote/fakes.hh"
#include "fuzz.hh"
#include "serve/session.hh"

using namespace cinch;

namespace {

constexpr std::uint64_t answer_bytes_max = std::uint64_t{1} << 20;

class FailingRealiser final : public Realiser {
 public:
  ~FailingRealiser() override = default;
  std::vector<BuildResult> realise(std::span<const DerivingPath> wanted, const RealiseOptions&,
                                   EventSink&, std::stop_token) override {
    std::vector<BuildResult> results;
    for (const DerivingPath& path : wanted) results.push_back({.wanted = path});
    return results;
  }
  MissingPlan plan(std::span<const DerivingPath>) override { return {}; }
};

class MemorySpool final : public Spool {
 public:
  ~MemorySpool() override = default;
  void write(Bytes bytes) override { content_.write(bytes); }
  Source& read_back() override { return source_.emplace(content_.text()); }

 private:
  StringSink content_{answer_bytes_max};
  std::optional<StringSource> source_;
};

void run_session(Store& store, std::string_view input, bool write_allowed) {
  StringSource source(input);
  StringSink sink(answer_bytes_max);
  NullEventSink events;
  const ServeOptions options{
      .write_allowed = write_allowed,
      .settings = {},
      .make_realiser = [](Store&, const Settings&) { return std::make_unique<FailingRealiser>(); },
      .make_spool = [] { return std::make_unique<MemorySpool>(); },
      .events = events};
  serve::Session({.store = store, .input = source, .output = sink, .options = options}).run();
}

void check_objects(test::MemoryStore& store) {
  for (const StorePath& path : store.all_valid_paths()) {
    const PathInfo info = store.require(path);
    Hasher hasher(HashAlgorithm::sha256);
    store.read_nar(path, hasher);
    fuzz::require(hasher.size_bytes() == info.nar_size);
    fuzz::require(hasher.finish() == info.nar_hash);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  test::MemoryStore store;
  fuzz::refusals_are_fine(
      [&] { run_session(store, fuzz::as_input(data + 1, size - 1), data[0] % 2 == 1); });
  fuzz::require(data[0] % 2 == 1 || store.size() == 0);
  check_objects(store);
  return 0;
}
