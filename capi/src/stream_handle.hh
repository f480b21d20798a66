// What stands behind handles of streams: an object that lives until the stream ends or fails.
#pragma once

#include <cinch/core/error.hh>

#include <memory>
#include <utility>

namespace cinch::capi {

template <class T>
class StreamHandle {
 public:
  template <class... Arguments>
  explicit StreamHandle(std::in_place_t, Arguments&&... arguments)
      : object_(std::make_unique<T>(std::forward<Arguments>(arguments)...)) {}

  // Calls `body` with the object. Throws Code::invalid_argument if there is none any more; if the
  // body throws, there is none from then on.
  template <class Body>
  void use(const Body& body) {
    if (!object_) {
      throw Error(Code::invalid_argument, "the stream has ended, or it has failed before");
    }
    try {
      body(*object_);
    } catch (...) {
      object_.reset();
      throw;
    }
  }
  // The same for the last time.
  template <class Body>
  void finish(const Body& body) {
    use(body);
    object_.reset();
  }
  // Null after the end or a failure.
  const T* get() const { return object_.get(); }

 private:
  std::unique_ptr<T> object_;
};

}  // namespace cinch::capi
