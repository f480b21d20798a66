// Connections that are open, so that a call need not begin with a handshake.
#pragma once

#include "client/connection.hh"

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace cinch {

class ConnectionPool {
 public:
  explicit ConnectionPool(DaemonClientOptions options);

  // A connection for one call. It goes back to the pool if it is idle at the end, else it is
  // closed.
  class Lease {
   public:
    Lease(ConnectionPool& pool, std::unique_ptr<Connection> connection)
        : pool_(&pool), connection_(std::move(connection)) {}
    Lease(Lease&&) noexcept = default;
    ~Lease();
    Connection& operator*() const { return *connection_; }

   private:
    ConnectionPool* pool_;
    std::unique_ptr<Connection> connection_;
  };

  // Waits while `connections_max` are in use.
  Lease acquire();
  // How many connections broke so far; what the daemon knew only through them is forgotten.
  std::uint64_t losses();

 private:
  void put_back(std::unique_ptr<Connection> connection);

  const DaemonClientOptions options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Connection>> idle_;
  std::uint32_t open_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace cinch
