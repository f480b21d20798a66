// 851 real derivations: the closures of hello, firefox, gimp, libreoffice and emacs. Each says by
// its file name which path its text must give, and the output paths inside follow from the others.
#include "catch.hh"
#include "vectors.hh"

#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/derivation_hash.hh>
#include <cinch/core/derivation_json.hh>

#include <iostream>
#include <map>
#include <memory>

#include <archive.h>
#include <archive_entry.h>

namespace cinch {

namespace {

constexpr std::size_t derivation_count = 851;

const StoreDir store_dir;

struct CloseArchive {
  void operator()(archive* reader) const { archive_read_free(reader); }
};

// The files of an archive by their last component.
std::map<StorePath, std::string> unpack(const std::string& file) {
  const std::unique_ptr<archive, CloseArchive> reader(archive_read_new());
  archive_read_support_format_tar(reader.get());
  archive_read_support_filter_zstd(reader.get());
  REQUIRE(archive_read_open_filename(reader.get(), file.c_str(), 65536) == ARCHIVE_OK);
  std::map<StorePath, std::string> texts;
  archive_entry* entry = nullptr;
  while (archive_read_next_header(reader.get(), &entry) == ARCHIVE_OK) {
    const std::string name = archive_entry_pathname(entry);
    if (!name.ends_with(".drv")) continue;
    std::string text(static_cast<std::size_t>(archive_entry_size(entry)), '\0');
    REQUIRE(archive_read_data(reader.get(), text.data(), text.size()) ==
            static_cast<la_ssize_t>(text.size()));
    texts.emplace(StorePath::parse(name.substr(name.rfind('/') + 1)), std::move(text));
  }
  return texts;
}

}  // namespace

TEST_CASE("real derivations") {
  const auto texts = unpack((*test::find_corpus() / "derivations.tar.zst").string());
  REQUIRE(texts.size() == derivation_count);
  std::map<StorePath, Derivation> derivations;
  for (const auto& [path, text] : texts) {
    CAPTURE(path.base_name());
    const Derivation derivation = parse_derivation(text, path.derivation_name(), store_dir);
    REQUIRE(print_derivation(derivation, store_dir) == text);
    REQUIRE(derivation_path(store_dir, derivation) == path);
    REQUIRE_NOTHROW(check_derivation(derivation));
    derivations.emplace(path, derivation);
  }

  DerivationHasher hasher(store_dir, [&](const StorePath& path) { return derivations.at(path); });
  std::size_t outputs = 0;
  std::size_t fixed = 0;
  for (const auto& [path, derivation] : derivations) {
    CAPTURE(path.base_name());
    REQUIRE_NOTHROW(hasher.check_outputs(derivation));
    outputs += derivation.outputs.size();
    fixed += derivation.is_fixed() ? 1U : 0U;
  }
  std::cout << "paths, texts and outputs agree: " << derivations.size() << " derivations, "
            << outputs << " outputs, " << fixed << " of them fixed" << std::endl;

  // What is taken away can be computed again.
  for (auto& [path, derivation] : derivations) {
    if (derivation.is_fixed()) continue;
    Derivation stripped = derivation;
    for (auto& [name, output] : stripped.outputs) {
      output = DeferredOutput{};
      stripped.environment.at(name).clear();
    }
    hasher.fill_in_outputs(stripped);
    REQUIRE(stripped == derivation);
  }
}

TEST_CASE("real derivations as JSON") {
  const auto texts = unpack((*test::find_corpus() / "derivations.tar.zst").string());
  std::map<StorePath, Derivation> derivations;
  for (const auto& [path, text] : texts) {
    derivations.emplace(path, parse_derivation(text, path.derivation_name(), store_dir));
  }
  const std::string json = print_derivations_json(derivations, store_dir);
  CHECK(parse_derivations_json(json, store_dir) == derivations);
}

}  // namespace cinch
