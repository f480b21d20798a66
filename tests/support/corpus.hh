// The 851 real derivations that are not part of the project: see vectors.hh.
#pragma once

#include "vectors.hh"

#include <cinch/core/store_path.hh>

#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include <archive.h>
#include <archive_entry.h>

namespace cinch::test {

constexpr std::size_t corpus_derivations = 851;

// The texts of the derivations by their paths. Throws std::runtime_error for a damaged archive.
inline std::map<StorePath, std::string> read_corpus(const std::filesystem::path& corpus) {
  struct CloseArchive {
    void operator()(archive* reader) const { archive_read_free(reader); }
  };
  const std::string file = (corpus / "derivations.tar.zst").string();
  const std::unique_ptr<archive, CloseArchive> reader(archive_read_new());
  const auto check = [&](bool good) {
    if (!good) throw std::runtime_error(file + ": " + archive_error_string(reader.get()));
  };
  archive_read_support_format_tar(reader.get());
  archive_read_support_filter_zstd(reader.get());
  check(archive_read_open_filename(reader.get(), file.c_str(), 65536) == ARCHIVE_OK);
  std::map<StorePath, std::string> texts;
  archive_entry* entry = nullptr;
  while (archive_read_next_header(reader.get(), &entry) == ARCHIVE_OK) {
    const std::string name = archive_entry_pathname(entry);
    if (!name.ends_with(".drv")) continue;
    std::string text(static_cast<std::size_t>(archive_entry_size(entry)), '\0');
    check(archive_read_data(reader.get(), text.data(), text.size()) ==
          static_cast<la_ssize_t>(text.size()));
    texts.emplace(StorePath::parse(name.substr(name.rfind('/') + 1)), std::move(text));
  }
  return texts;
}

}  // namespace cinch::test
