#include "client/pool.hh"

#include <algorithm>
#include <utility>

namespace cinch {

ConnectionPool::ConnectionPool(DaemonClientOptions options) : options_(std::move(options)) {}

ConnectionPool::Lease::~Lease() {
  if (connection_) pool_->put_back(std::move(connection_));
}

ConnectionPool::Lease ConnectionPool::acquire() {
  std::unique_lock lock(mutex_);
  const std::uint32_t max = std::max<std::uint32_t>(options_.connections_max, 1);
  changed_.wait(lock, [&] { return !idle_.empty() || open_ < max; });
  while (!idle_.empty()) {
    std::unique_ptr<Connection> connection = std::move(idle_.back());
    idle_.pop_back();
    if (connection->is_fresh()) return {*this, std::move(connection)};
    --open_;  // the daemon closed it while nobody used it
    ++lost_;
  }
  ++open_;
  lock.unlock();
  try {
    return {*this, std::make_unique<Connection>(options_)};
  } catch (...) {
    put_back(nullptr);
    throw;
  }
}

std::uint64_t ConnectionPool::losses() {
  const std::lock_guard lock(mutex_);
  return lost_;
}

void ConnectionPool::put_back(std::unique_ptr<Connection> connection) {
  const std::lock_guard lock(mutex_);
  if (connection && connection->is_idle()) {
    idle_.push_back(std::move(connection));
  } else {
    --open_;
    ++lost_;
  }
  changed_.notify_one();
}

}  // namespace cinch
