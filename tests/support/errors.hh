// Asking what a call throws.
#pragma once

#include <cinch/core/error.hh>

#include <optional>

namespace cinch::test {

// The Error that `call` throws, if it throws one.
template <typename Call>
std::optional<Error> error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

// The code of the Error that `call` throws, if it throws one.
template <typename Call>
std::optional<Code> code_of(Call call) {
  const std::optional<Error> error = error_of(call);
  if (!error) return std::nullopt;
  return error->code();
}

}  // namespace cinch::test
