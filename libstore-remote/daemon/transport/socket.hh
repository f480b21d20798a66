// Unix sockets: the only place of this library that knows them.
#pragma once

#include <cinch/core/stream.hh>
#include <cinch/files/descriptor.hh>

#include <memory>
#include <string>

#include <sys/types.h>

namespace cinch::transport {

struct PeerCredentials {
  uid_t user;
  gid_t group;
  pid_t process;
};

// A connected stream. Reads and writes may come from two threads, and shutdown() from any.
class Socket final : public Source, public Sink {
 public:
  // `name` is for messages.
  Socket(Descriptor descriptor, std::string name);
  // Throws Code::disconnected if nobody listens there.
  static std::unique_ptr<Socket> connect(const std::string& file_name);
  ~Socket() override;

  // 0 when the peer has closed, or after a shutdown.
  std::size_t read(std::span<std::byte> buffer) override;
  // All of it. Throws Code::disconnected if the peer is gone.
  void write(Bytes bytes) override;

  // No more input: a read that waits returns 0.
  void shutdown_reading() noexcept;
  // Neither input nor output: whoever waits returns.
  void shutdown() noexcept;
  // Whether a read would return at once, with bytes or with the end.
  bool is_readable() const;

  PeerCredentials peer() const;
  int descriptor() const { return descriptor_.get(); }

 private:
  Descriptor descriptor_;
  std::string name_;
};

}  // namespace cinch::transport
