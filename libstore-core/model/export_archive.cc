// Format: docs/formats/export.md.
#include "nar_tokens.hh"

#include <cinch/core/error.hh>
#include <cinch/core/export_archive.hh>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace cinch {

namespace {

constexpr std::uint64_t object_follows = 1;
constexpr std::uint64_t archive_ends = 0;
constexpr std::uint64_t object_magic = 0x4558494e;  // "NIXE"
constexpr std::uint64_t signature_follows = 1;
constexpr std::uint64_t no_signature = 0;

constexpr std::uint64_t path_bytes_max = 4096;

void put_number(std::string& bytes, std::uint64_t value) {
  bytes += as_text(nar::store_length(value));
}

void put_text(std::string& bytes, std::string_view text) {
  put_number(bytes, text.size());
  bytes += text;
  bytes.append(static_cast<std::size_t>(nar::padding_of(text.size())), '\0');
}

[[noreturn]] void refuse(const std::string& message, std::uint64_t offset) {
  throw Error(Code::malformed, message).at(offset);
}

// The parts of an archive that are no NAR.
template <class Counted>
class Fields {
 public:
  explicit Fields(Counted& source) : source_(source) {}

  std::uint64_t number() {
    std::array<std::byte, 8> bytes;
    fill(bytes);
    return nar::load_length(bytes.data());
  }
  std::uint64_t length(std::uint64_t max, const char* what) {
    const std::uint64_t start = source_.offset;
    const std::uint64_t value = number();
    if (value <= max) return value;
    throw Error(Code::limit_exceeded, std::string(what) + " has the length " +
                                          std::to_string(value) + ", more than the allowed " +
                                          std::to_string(max))
        .at(start);
  }
  std::string text(std::uint64_t bytes_max, const char* what) {
    std::string text(static_cast<std::size_t>(length(bytes_max, what)), '\0');
    fill(std::as_writable_bytes(std::span(text)));
    std::array<std::byte, nar::alignment> padding{};
    const auto padding_bytes = std::span(padding).first(nar::padding_of(text.size()));
    fill(padding_bytes);
    if (std::ranges::any_of(padding, [](std::byte byte) { return byte != std::byte{}; })) {
      refuse("the padding of a text is not zero", source_.offset - padding_bytes.size());
    }
    return text;
  }
  StorePath path(const StoreDir& store_dir) {
    const std::uint64_t start = source_.offset;
    return parse(store_dir, text(path_bytes_max, "a path"), start);
  }
  std::optional<StorePath> optional_path(const StoreDir& store_dir) {
    const std::uint64_t start = source_.offset;
    const std::string printed = text(path_bytes_max, "a path");
    if (printed.empty()) return std::nullopt;
    return parse(store_dir, printed, start);
  }

 private:
  static StorePath parse(const StoreDir& store_dir, const std::string& printed,
                         std::uint64_t start) {
    try {
      return store_dir.parse(printed);
    } catch (Error& error) {
      throw Error(error.code(), error.message()).about(printed).at(start);
    }
  }
  void fill(std::span<std::byte> buffer) {
    while (!buffer.empty()) {
      const std::size_t count = source_.read(buffer);
      if (count == 0) refuse("the archive ends too early", source_.offset);
      buffer = buffer.subspan(count);
    }
  }

  Counted& source_;
};

}  // namespace

void ExportWriter::begin_object() { sink_.write(nar::store_length(object_follows)); }

void ExportWriter::end_object(const ExportedObject& object) {
  std::string bytes;
  put_number(bytes, object_magic);
  put_text(bytes, store_dir_.print(object.path));
  put_number(bytes, object.references.size());
  for (const StorePath& path : object.references) put_text(bytes, store_dir_.print(path));
  put_text(bytes, object.deriver ? store_dir_.print(*object.deriver) : "");
  put_number(bytes, no_signature);
  sink_.write(as_bytes(bytes));
}

void ExportWriter::finish() { sink_.write(nar::store_length(archive_ends)); }

ExportReader::CountedSource::~CountedSource() = default;

std::size_t ExportReader::CountedSource::read(std::span<std::byte> buffer) {
  const std::size_t count = from.read(buffer);
  offset += count;
  return count;
}

bool ExportReader::next() {
  const std::uint64_t start = source_.offset;
  const std::uint64_t number = Fields(source_).number();
  if (number == archive_ends) return false;
  if (number == object_follows) return true;
  if (start > 0) refuse("an object or the end of the archive must stand here", start);
  throw Error(Code::malformed, "this is no export archive")
      .at(start)
      .hint("archives come from 'cinch store export' or 'nix-store --export'");
}

ExportedObject ExportReader::read_object() {
  Fields fields(source_);
  const std::uint64_t start = source_.offset;
  if (fields.number() != object_magic) refuse("the mark after a NAR is missing", start);
  ExportedObject object{.path = fields.path(store_dir_), .references = {}, .deriver = {}};
  for (std::uint64_t left = fields.length(export_references_max, "a list of references"); left > 0;
       --left) {
    object.references.insert(fields.path(store_dir_));
  }
  object.deriver = fields.optional_path(store_dir_);
  const std::uint64_t before_signature = source_.offset;
  const std::uint64_t signature = fields.number();
  // Made by versions of Nix before 2.0 and by Guix, with keys that no store here knows.
  if (signature == signature_follows) {
    (void)fields.text(export_signature_bytes_max, "a signature");
  } else if (signature != no_signature) {
    refuse("a signature or its absence must stand here", before_signature);
  }
  return object;
}

}  // namespace cinch
