// Format: docs/formats/validity-registration.md.
#include <cinch/core/error.hh>
#include <cinch/core/validity_registration.hh>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <utility>

namespace cinch {

ValidityRegistration registration_of(const PathInfo& info) {
  return {.path = info.path,
          .nar_hash = info.nar_hash,
          .nar_size = info.nar_size,
          .deriver = info.deriver,
          .references = info.references};
}

std::string print_registration(const ValidityRegistration& registration,
                               const StoreDir& store_dir) {
  std::string text = store_dir.print(registration.path) + "\n";
  if (registration.nar_hash) {
    text += registration.nar_hash->digest_text(HashFormat::base16) + "\n";
    text += std::to_string(registration.nar_size) + "\n";
  }
  if (registration.deriver) text += store_dir.print(*registration.deriver);
  text += "\n" + std::to_string(registration.references.size()) + "\n";
  for (const StorePath& reference : registration.references) {
    text += store_dir.print(reference) + "\n";
  }
  return text;
}

RegistrationReader::RegistrationReader(Source& source, StoreDir store_dir,
                                       RegistrationHashes hashes)
    : source_(source),
      store_dir_(std::move(store_dir)),
      hashes_(hashes),
      buffer_(registration_line_bytes_max) {}

std::optional<ValidityRegistration> RegistrationReader::next() {
  const std::optional<std::string_view> first = find_line();
  if (!first || first->empty()) return std::nullopt;
  ValidityRegistration registration{.path = path(*first)};
  if (hashes_ == RegistrationHashes::given) {
    const std::string_view digits = line("a hash");
    try {
      registration.nar_hash = Hash::parse(digits, HashAlgorithm::sha256);
    } catch (const Error& error) {
      fail(error.message());
    }
    registration.nar_size = number("the size of a NAR", std::numeric_limits<std::int64_t>::max());
  }
  const std::string_view deriver = line("a deriver");
  if (!deriver.empty()) registration.deriver = path(deriver);
  const std::uint64_t count = number("how many references follow", registration_references_max);
  for (std::uint64_t i = 0; i < count; ++i)
    registration.references.insert(path(line("a reference")));
  return registration;
}

// Valid until the next call. Empty at the end of the stream; there, a last line needs no newline.
std::optional<std::string_view> RegistrationReader::find_line() {
  line_offset_ = next_offset_;
  for (std::size_t searched = begin_;;) {
    const auto* from = buffer_.data() + searched;
    const auto* newline = static_cast<const std::byte*>(
        end_ > searched ? std::memchr(from, '\n', end_ - searched) : nullptr);
    if (newline) {
      const auto length = static_cast<std::size_t>(newline - (buffer_.data() + begin_));
      const std::string_view found = as_text(std::span(buffer_).subspan(begin_, length));
      begin_ += length + 1;
      next_offset_ += length + 1;
      return found;
    }
    if (begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (end_ == buffer_.size()) {
      throw Error(Code::limit_exceeded, "a line of the registrations is longer than " +
                                            std::to_string(buffer_.size() - 1) + " bytes")
          .at(line_offset_);
    }
    searched = end_;
    const std::size_t count = source_.read(std::span(buffer_).subspan(end_));
    if (count > 0) {
      end_ += count;
      continue;
    }
    if (end_ == 0) return std::nullopt;
    next_offset_ += end_;
    begin_ = end_;
    return as_text(std::span(buffer_).first(end_));
  }
}

std::string_view RegistrationReader::line(std::string_view what) {
  if (const std::optional<std::string_view> found = find_line()) return *found;
  throw Error(Code::malformed, "the registrations end where " + std::string(what) + " is expected")
      .at(line_offset_);
}

std::uint64_t RegistrationReader::number(std::string_view what, std::uint64_t max) {
  const std::string_view text = line(what);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::invalid_argument || end != text.data() + text.size()) {
    fail("'" + std::string(text.substr(0, 100)) + "' is no number, and does not say " +
         std::string(what));
  }
  if (error == std::errc::result_out_of_range || value > max) {
    throw Error(Code::limit_exceeded, std::string(what) + " is more than " + std::to_string(max))
        .at(line_offset_);
  }
  return value;
}

StorePath RegistrationReader::path(std::string_view text) const {
  try {
    return store_dir_.parse(text);
  } catch (const Error& error) {
    fail(error.message());
  }
}

void RegistrationReader::fail(std::string message) const {
  throw Error(Code::malformed, std::move(message)).at(line_offset_);
}

}  // namespace cinch
