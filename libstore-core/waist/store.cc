#include "../algorithms/topological_sort.hh"

#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/derivation_hash.hh>
#include <cinch/core/error.hh>
#include <cinch/core/nar.hh>
#include <cinch/core/store.hh>

#include <map>
#include <utility>

namespace cinch {

Store::~Store() = default;
LogStore::~LogStore() = default;
StagedObject::~StagedObject() = default;
PathLock::~PathLock() = default;
BuildStore::~BuildStore() = default;
ImportStore::~ImportStore() = default;
RootStore::~RootStore() = default;

void throw_missing_capability(Store& store, std::string_view what) {
  throw Error(Code::not_supported, "this store cannot " + std::string(what)).about(store.url());
}

PathInfo Store::require(const StorePath& path) {
  std::optional<PathInfo> found = std::move(find({&path, 1}).front());
  if (found) return *std::move(found);
  throw Error(Code::not_found, "path '" + store_dir().print(path) + "' is not valid").about(url());
}

bool Store::is_valid(const StorePath& path) { return !find_valid({path}).empty(); }

Derivation Store::read_derivation(const StorePath& path) {
  return std::move(read_derivations({&path, 1}).front());
}

namespace {

// Takes the contents of a NAR that holds one regular file.
class SingleFile final : public NarVisitor {
 public:
  void directory() override { refuse("a directory"); }
  void entry(std::string_view) override { refuse("a directory"); }
  void symlink(std::string_view) override { refuse("a symlink"); }
  void file(std::uint64_t size_bytes, bool) override {
    if (size_bytes > derivation_bytes_max) {
      throw Error(Code::limit_exceeded, "the derivation file has " + std::to_string(size_bytes) +
                                            " bytes, more than the allowed " +
                                            std::to_string(derivation_bytes_max));
    }
    text_.reserve(size_bytes);
  }
  void contents(Bytes bytes) override { text_ += as_text(bytes); }
  void leave() override {}
  const std::string& text() const { return text_; }

 private:
  [[noreturn]] static void refuse(std::string_view what) {
    throw Error(Code::malformed, "a derivation must be a regular file, not " + std::string(what));
  }
  std::string text_;
};

std::string_view derivation_name(const StorePath& path) {
  if (!path.is_derivation()) {
    throw Error(Code::invalid_argument, "the name of a derivation must end in '.drv'");
  }
  return path.derivation_name();
}

}  // namespace

std::vector<Derivation> Store::read_derivations(std::span<const StorePath> paths) {
  std::vector<Derivation> derivations;
  derivations.reserve(paths.size());
  for (const StorePath& path : paths) {
    try {
      const std::string_view name = derivation_name(path);
      SingleFile file;
      NarParserSink parser(file);
      read_nar(path, parser);
      parser.finish();
      derivations.push_back(parse_derivation(file.text(), name, store_dir()));
    } catch (Error& error) {
      error.set_subject_if_empty(store_dir().print(path));
      throw;
    }
  }
  return derivations;
}

StorePath Store::add_derivation(const Derivation& derivation) {
  return std::move(add_derivations({&derivation, 1}).front());
}

namespace {

// A derivation of a batch, printed once.
struct BatchEntry {
  const Derivation* derivation;
  std::string text;
  StorePathSet references;
};

}  // namespace

std::vector<StorePath> Store::add_derivations(std::span<const Derivation> derivations) {
  std::vector<StorePath> paths;
  std::map<StorePath, BatchEntry> batch;
  for (const Derivation& derivation : derivations) {
    check_derivation(derivation);
    BatchEntry entry{&derivation, print_derivation(derivation, store_dir()),
                     derivation.references()};
    paths.push_back(derivation_path(store_dir(), derivation, entry.text));
    batch.emplace(paths.back(), std::move(entry));
  }
  DerivationHasher hasher(store_dir(), [&](const StorePath& path) {
    const auto found = batch.find(path);
    return found != batch.end() ? *found->second.derivation : read_derivation(path);
  });
  for (const Derivation& derivation : derivations) hasher.check_outputs(derivation);
  const std::vector<StorePath> order = topological_order(
      batch, [](const BatchEntry& entry) -> const StorePathSet& { return entry.references; });
  for (const StorePath& path : order) {
    const BatchEntry& entry = batch.at(path);
    const AddContent options{.name = std::string(path.name()),
                             .method = ContentAddressMethod::text,
                             .references = entry.references};
    StringSource source(entry.text);
    add_content(options, source);
  }
  return paths;
}

}  // namespace cinch
