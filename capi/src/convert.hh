// Between the types of cinch.h and those of C++, and the one place that catches exceptions.
#pragma once

#include "handles.hh"

#include <algorithm>
#include <cstring>
#include <exception>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

namespace cinch::capi {

// The error that the exception now being handled becomes.
cinch_error* current_error() noexcept;

// Runs the body of an interface function; nothing escapes from it.
template <class Body>
cinch_error* guarded(const Body& body) noexcept {
  try {
    body();
    return nullptr;
  } catch (...) {
    return current_error();
  }
}

// Throws Code::invalid_argument for bytes that are nowhere.
inline std::string_view view(cinch_str text) {
  if (text.size == 0) return {};
  if (text.data != nullptr) return {text.data, text.size};
  throw Error(Code::invalid_argument, "a cinch_str has a size, but its data is NULL");
}
inline cinch_str lend(std::string_view text) { return {text.data(), text.size()}; }

// One of a list that the handle keeps; empty behind its end.
inline cinch_str lend_at(const std::vector<std::string>& texts, std::size_t index) {
  return lend(index < texts.size() ? std::string_view(texts[index]) : "");
}
inline cinch_variable variable_at(const std::vector<cinch_variable>& variables, std::size_t index) {
  return index < variables.size() ? variables[index] : cinch_variable{lend(""), lend("")};
}

// Throws Code::invalid_argument for a null pointer that is not allowed.
template <class T>
T& deref(T* pointer, const char* parameter) {
  if (pointer != nullptr) return *pointer;
  throw Error(Code::invalid_argument, std::string("the argument '") + parameter + "' is NULL");
}

// A name of a file. Throws Code::invalid_argument for one that cannot be.
std::string file_name(cinch_str text);

inline std::stop_token token_of(const cinch_cancel* cancel) {
  return cancel == nullptr ? std::stop_token() : cancel->source.get_token();
}

// Reads a structure that may be older (shorter) or newer (longer) than this library's. Throws
// Code::invalid_argument if it has fields set that this library does not know.
void check_options_tail(const void* options, std::size_t known, std::size_t given);
template <class T>
T read_options(const T* options, const T& defaults) {
  T result = defaults;
  if (options == nullptr) return result;
  check_options_tail(options, sizeof(T), options->size);
  std::memcpy(&result, options, std::min<std::size_t>(sizeof(T), options->size));
  return result;
}

// Throws Code::cancelled if a callback asked to stop.
void check_callback(std::int32_t answer);

// Passes bytes on to a callback.
class CallbackSink final : public Sink {
 public:
  CallbackSink(cinch_write_fn callback, void* payload) : callback_(callback), payload_(payload) {}
  void write(Bytes bytes) override;

 private:
  cinch_write_fn callback_;
  void* payload_;
};

StorePathSet path_set(const cinch_path* const* paths, std::size_t count, const char* parameter);

}  // namespace cinch::capi
