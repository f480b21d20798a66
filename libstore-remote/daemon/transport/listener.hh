// A socket file that clients connect to.
#pragma once

#include "transport/socket.hh"

#include <cinch/files/descriptor.hh>

#include <memory>
#include <string>

#include <sys/types.h>

namespace cinch::transport {

class Listener {
 public:
  // Makes the socket file, open to everybody, and the directories above it. Replaces the file of a
  // daemon that is gone. Throws Code::busy if one listens there; Code::invalid_argument if the file
  // is no socket.
  explicit Listener(std::string file_name);
  // Removes the file, unless it is another daemon's by now.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // The next client; null if there is none at the moment.
  std::unique_ptr<Socket> accept();
  int descriptor() const { return descriptor_.get(); }
  const std::string& file_name() const { return file_name_; }

 private:
  std::string file_name_;
  Descriptor directory_;
  Descriptor descriptor_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace cinch::transport
