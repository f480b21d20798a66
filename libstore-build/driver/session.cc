#include "session.hh"

namespace cinch {

bool Session::emit(const Event& event) {
  std::lock_guard lock(mutex_);
  return emit_locked(event);
}

bool Session::emit_progress(const BuildProgressEvent& event, std::uint64_t number) {
  std::lock_guard lock(mutex_);
  if (number <= last_progress_) return !failure_;
  last_progress_ = number;
  return emit_locked(event);
}

bool Session::emit_locked(const Event& event) {
  if (!sink_) return !failure_;
  try {
    sink_->emit(event);
  } catch (...) {
    failure_ = std::current_exception();  // thrown on in the caller's thread
    sink_ = nullptr;
    has_failed_ = true;
  }
  return !failure_;
}

void Session::close() {
  std::lock_guard lock(mutex_);
  sink_ = nullptr;
}

std::exception_ptr Session::failure() const {
  std::lock_guard lock(mutex_);
  return failure_;
}

}  // namespace cinch
