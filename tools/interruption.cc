#include "interruption.hh"

#include <cinch/core/error.hh>

#include <cerrno>
#include <cstdint>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace cinch::cli {

namespace {

constexpr int exit_status_of_signal = 128;  // plus its number, as shells count

sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, number);
  return set;
}

}  // namespace

Interruption::~Interruption() {
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  // An eventfd takes one more unless its counter is at its end, which one addition cannot reach.
  while (::write(end_.get(), &one, sizeof one) < 0 && errno == EINTR) {
  }
  thread_.join();
}

std::stop_token Interruption::begin() {
  if (thread_.joinable()) return source_.get_token();
  const sigset_t set = handled_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = Descriptor(::signalfd(-1, &set, SFD_CLOEXEC));
  end_ = Descriptor(::eventfd(0, EFD_CLOEXEC));
  if (!signals_ || !end_) throw system_error(errno, "cannot wait for signals", "signalfd");
  thread_ = std::thread([this] { wait(); });
  return source_.get_token();
}

void Interruption::wait() {
  for (;;) {
    pollfd waiting[] = {{signals_.get(), POLLIN, 0}, {end_.get(), POLLIN, 0}};
    if (::poll(waiting, 2, -1) < 0) continue;
    if (waiting[1].revents != 0) return;
    signalfd_siginfo info{};
    if (::read(signals_.get(), &info, sizeof info) != sizeof info) continue;
    const int number = static_cast<int>(info.ssi_signo);
    int none = 0;
    if (!signal_.compare_exchange_strong(none, number)) _exit(exit_status_of_signal + number);
    source_.request_stop();
  }
}

}  // namespace cinch::cli
