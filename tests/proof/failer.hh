// Controls libproof-fail.so (fail.c), which LD_PRELOAD must name.
#pragma once

#include <cinch/core/error.hh>

#include <cstdint>

#include <dlfcn.h>

namespace cinch::proof {

// Which calls are refused: the one with a certain number, or all from there on.
enum class FailKind : int {
  once = 0,
  from_there_on = 1,
  opening_from_there_on = 2,  // counts those that open files
  naming_from_there_on = 3,   // counts those that link and rename
};

class Failer {
 public:
  Failer()
      : arm_(find<decltype(arm_)>("cinch_fail_arm")),
        disarm_(find<decltype(disarm_)>("cinch_fail_disarm")),
        name_(find<decltype(name_)>("cinch_fail_name")) {}

  // `at` counts from 1, beginning with the next call.
  void arm(std::uint64_t at, int error, FailKind kind) const {
    arm_(static_cast<long>(at), error, static_cast<int>(kind));
  }
  void disarm() const { disarm_(); }
  // The call that was refused first; null if there were not so many.
  const char* name() const { return name_(); }

 private:
  template <class Function>
  static Function find(const char* name) {
    void* const address = ::dlsym(RTLD_DEFAULT, name);
    if (!address) {
      throw Error(Code::invalid_argument, "LD_PRELOAD does not name libproof-fail.so").about(name);
    }
    return reinterpret_cast<Function>(address);
  }

  void (*arm_)(long, int, int);
  void (*disarm_)();
  const char* (*name_)();
};

}  // namespace cinch::proof
