#include "convert.hh"

using cinch::capi::deref;
using cinch::capi::guarded;

extern "C" {

cinch_error* cinch_cancel_new(cinch_cancel** cancel_out) noexcept {
  return guarded([&] {
    cinch_cancel*& out = deref(cancel_out, "cancel_out");
    out = new cinch_cancel;
  });
}

void cinch_cancel_request(const cinch_cancel* cancel) noexcept {
  // A copy shares the state, and asking a copy to stop needs no exclusive handle.
  std::stop_source(cancel->source).request_stop();
}

void cinch_cancel_free(cinch_cancel* cancel) noexcept { delete cancel; }

}  // extern "C"
