// What is in a NAR, and where: made in the same pass in which the NAR is read or written; stored by
// binary caches beside it as `<hash part>.ls`. With it, a file is read out of a NAR by its offset.
// Format: docs/formats/nar-listing.md.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/file_system_object.hh>
#include <cinch/core/nar.hh>
#include <cinch/core/stream.hh>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace cinch {

struct ListedContents {
  std::uint64_t size_bytes = 0;
  // From the beginning of the NAR to the first byte of the contents. Absent in listings of what is
  // in no NAR.
  std::optional<std::uint64_t> nar_offset;

  friend bool operator==(const ListedContents&, const ListedContents&) = default;
};

using NarListing = FileSystemObject<ListedContents>;

constexpr std::uint64_t nar_listing_objects_max = std::uint64_t{1} << 24;
constexpr std::uint64_t nar_listing_json_bytes_max = std::uint64_t{1} << 30;

// Makes the listing of the NAR that the events stand for. The offsets follow from the events alone,
// so it serves beside a NarWriter as well as behind a reader.
// Throws Code::limit_exceeded for more than 2^24 objects.
class CINCH_CORE_API NarListingBuilder final : public NarVisitor {
 public:
  NarListingBuilder();
  NarListingBuilder(const NarListingBuilder&) = delete;
  NarListingBuilder& operator=(const NarListingBuilder&) = delete;
  ~NarListingBuilder() override;

  void directory() override;
  void entry(std::string_view name) override;
  void file(std::uint64_t size_bytes, bool executable) override;
  void contents(Bytes bytes) override;
  void symlink(std::string_view target) override;
  void leave() override;

  // Throws Code::invalid_argument unless the object is complete. The builder is used up then.
  NarListing take();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The `.ls` file: {"root":<object>,"version":1}. Throws Code::not_supported for names that are not
// UTF-8.
CINCH_CORE_API std::string print_nar_listing(const NarListing& listing);
// Throws Code::malformed, Code::limit_exceeded; Code::not_supported for another version.
CINCH_CORE_API NarListing parse_nar_listing(std::string_view json);

// The object alone, without the version. `ListingDepth::names` has "{}" for each entry
// of a directory, as `nix nar ls` prints it without --recursive.
enum class ListingDepth : std::uint8_t { all, names };
CINCH_CORE_API std::string print_listed_object(const NarListing& object,
                                               ListingDepth depth = ListingDepth::all);
CINCH_CORE_API NarListing parse_listed_object(std::string_view json);

// The contents of a file in a NAR, of which the listing may be wrong. Throws Code::malformed unless
// the NAR has a file of that length there; Code::invalid_argument if the offset is unknown.
CINCH_CORE_API Bytes contents_in_nar(Bytes nar, const ListedContents& file);

}  // namespace cinch
