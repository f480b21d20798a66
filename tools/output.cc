#include "output.hh"

#include <cinch/core/error.hh>

#include <cerrno>
#include <cstddef>

#include <unistd.h>

namespace cinch::cli {

Output::~Output() = default;

void Output::write(Bytes bytes) {
  if (buffer_.size() + bytes.size() > stream_buffer_bytes) flush();
  if (bytes.size() >= stream_buffer_bytes) {
    write_through(bytes);
  } else {
    buffer_ += as_text(bytes);
  }
}

void Output::line(std::string_view text) {
  print(text);
  print("\n");
}

void Output::flush() {
  // Emptied first: an error must not make a later flush write the same bytes again.
  const std::string pending = std::move(buffer_);
  buffer_.clear();
  write_through(as_bytes(pending));
}

bool Output::is_terminal() const { return isatty(descriptor_) == 1; }

void Output::write_through(Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      if (errno == EPIPE) throw OutputClosed{};
      throw system_error(errno, "cannot write", "standard output");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

}  // namespace cinch::cli
