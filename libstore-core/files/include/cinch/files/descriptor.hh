// An owned file descriptor, always close-on-exec.
#pragma once

#include <cinch/core/export.hh>

#include <string>
#include <utility>

namespace cinch {

class CINCH_FILES_API Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();

  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  int release() { return std::exchange(number_, -1); }
  // Closes and reports what close() says, as delayed write errors come that way. `subject` names
  // the file.
  void close_checked(const std::string& subject);

 private:
  int number_ = -1;
};

}  // namespace cinch
