#include <cinch/core/error.hh>
#include <cinch/files/descriptor.hh>

#include <cerrno>

#include <unistd.h>

namespace cinch {

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

void Descriptor::close_checked(const std::string& subject) {
  const int number = release();
  // After EINTR the descriptor is closed all the same on Linux, and nothing was lost.
  if (number >= 0 && ::close(number) != 0 && errno != EINTR) {
    throw system_error(errno, "cannot finish writing", subject);
  }
}

}  // namespace cinch
