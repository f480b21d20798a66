#include "serve/hangup_watch.hh"

#include <cinch/core/error.hh>

#include <utility>

namespace cinch::serve {
namespace {

constexpr std::chrono::milliseconds for_ever{-1};

}  // namespace

HangupWatch::HangupWatch(int output_descriptor, std::stop_source on_hangup) {
  if (output_descriptor < 0) return;
  thread_ = std::jthread(
      [this, output_descriptor, source = std::move(on_hangup)](const std::stop_token& end) mutable {
        if (wait_for_hangup(output_descriptor, end)) source.request_stop();
      });
}

HangupWatch::~HangupWatch() {
  thread_.request_stop();
  watch_.wake();
}

bool HangupWatch::wait_for_hangup(int descriptor, const std::stop_token& end) {
  try {
    while (!end.stop_requested()) {
      if (!watch_.wait(-1, {&descriptor, 1}, for_ever).hung_up.empty()) return true;
    }
    return false;
  } catch (const Error&) {
    return true;  // who cannot be watched is not worked for
  }
}

}  // namespace cinch::serve
