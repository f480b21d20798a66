#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/derivation_files.hh>
#include <cinch/core/derivation_hash.hh>
#include <cinch/core/error.hh>

#include <algorithm>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

namespace cinch {

namespace {

// Texts that should be equal, where they part.
std::string difference(std::string_view right, std::string_view wrong) {
  const auto at = std::ranges::mismatch(right, wrong).in1 - right.begin();
  return "printed again it differs from byte " + std::to_string(at) + " on";
}

class FilesChecker {
 public:
  FilesChecker(std::span<const DerivationFile> files, const StoreDir& store_dir)
      : files_(files),
        store_dir_(store_dir),
        hasher_(DerivationHasher::lending(store_dir,
                                          [this](const StorePath& path) { return input(path); })) {}

  DerivationFilesReport check() {
    report_.files = files_.size();
    read_all();
    for (std::size_t at = 0; at < files_.size(); ++at) {
      if (!read_[at]) {
        tell(at, unreadable_[at].first, unreadable_[at].second);
        continue;
      }
      check_path(at);
      check_outputs(at);
      check_reprint(at);
    }
    return std::move(report_);
  }

 private:
  struct ReadFile {
    StorePath path;
    Derivation derivation;
  };

  void read_all() {
    for (std::size_t at = 0; at < files_.size(); ++at) {
      unreadable_.emplace_back();
      read_.push_back(read(at));
      if (read_.back()) position_.emplace(read_.back()->path, at);
    }
  }

  std::optional<ReadFile> read(std::size_t at) {
    DerivationFact fact = DerivationFact::path;
    try {
      StorePath path = StorePath::parse(files_[at].base_name);
      if (!path.is_derivation()) {
        throw Error(Code::malformed, "the file name does not end in '.drv'");
      }
      fact = DerivationFact::text;
      Derivation derivation = parse_derivation(files_[at].text, path.derivation_name(), store_dir_);
      check_derivation(derivation);
      return ReadFile{std::move(path), std::move(derivation)};
    } catch (const Error& error) {
      unreadable_[at] = {fact, error.what()};
      return std::nullopt;
    }
  }

  std::shared_ptr<const Derivation> input(const StorePath& path) const {
    const auto found = position_.find(path);
    if (found == position_.end()) {
      throw Error(Code::not_found,
                  "the input derivation '" + path.base_name() + "' is not among the files");
    }
    // Lent: the files outlive the hasher's work.
    return {std::shared_ptr<const Derivation>(), &read_[found->second]->derivation};
  }

  void tell(std::size_t at, DerivationFact fact, std::string message) {
    report_.mismatches.push_back({at, fact, std::move(message)});
  }

  void check_path(std::size_t at) {
    const auto& [path, derivation] = *read_[at];
    const StorePath right = derivation_path(store_dir_, derivation, files_[at].text);
    if (right == path) {
      ++report_.paths_right;
    } else {
      tell(at, DerivationFact::path, "its bytes give the path '" + store_dir_.print(right) + "'");
    }
  }

  void check_outputs(std::size_t at) {
    try {
      hasher_.check_outputs(read_[at]->derivation);
      ++report_.outputs_right;
    } catch (const Error& error) {
      tell(at, DerivationFact::outputs, error.message());
    }
  }

  void check_reprint(std::size_t at) {
    const std::string printed = print_derivation(read_[at]->derivation, store_dir_);
    if (printed == files_[at].text) {
      ++report_.reprints_right;
    } else {
      tell(at, DerivationFact::reprint, difference(files_[at].text, printed));
    }
  }

  std::span<const DerivationFile> files_;
  const StoreDir& store_dir_;
  DerivationHasher hasher_;
  std::vector<std::optional<ReadFile>> read_;
  std::vector<std::pair<DerivationFact, std::string>> unreadable_;  // why, where read_ has none
  std::unordered_map<StorePath, std::size_t> position_;             // in read_
  DerivationFilesReport report_;
};

}  // namespace

std::string_view to_string(DerivationFact fact) {
  switch (fact) {
    case DerivationFact::text:
      return "text";
    case DerivationFact::path:
      return "path";
    case DerivationFact::outputs:
      return "outputs";
    case DerivationFact::reprint:
      return "reprint";
  }
  return "unknown";
}

DerivationFilesReport check_derivation_files(std::span<const DerivationFile> files,
                                             const StoreDir& store_dir) {
  return FilesChecker(files, store_dir).check();
}

}  // namespace cinch
