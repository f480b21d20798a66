#include "convert.hh"

#include <cinch/core/error.hh>

namespace {

using cinch::Code;
using cinch::capi::lend;

static_assert(CINCH_INVALID_ARGUMENT == static_cast<int>(Code::invalid_argument));
static_assert(CINCH_MALFORMED == static_cast<int>(Code::malformed));
static_assert(CINCH_NOT_FOUND == static_cast<int>(Code::not_found));
static_assert(CINCH_NOT_SUPPORTED == static_cast<int>(Code::not_supported));
static_assert(CINCH_IO == static_cast<int>(Code::io));
static_assert(CINCH_NO_SPACE == static_cast<int>(Code::no_space));
static_assert(CINCH_PERMISSION_DENIED == static_cast<int>(Code::permission_denied));
static_assert(CINCH_READ_ONLY == static_cast<int>(Code::read_only));
static_assert(CINCH_BUSY == static_cast<int>(Code::busy));
static_assert(CINCH_CORRUPT == static_cast<int>(Code::corrupt));
static_assert(CINCH_HASH_MISMATCH == static_cast<int>(Code::hash_mismatch));
static_assert(CINCH_LIMIT_EXCEEDED == static_cast<int>(Code::limit_exceeded));
static_assert(CINCH_PROTOCOL == static_cast<int>(Code::protocol));
static_assert(CINCH_DISCONNECTED == static_cast<int>(Code::disconnected));
static_assert(CINCH_CANCELLED == static_cast<int>(Code::cancelled));
static_assert(CINCH_NOT_TRUSTED == static_cast<int>(Code::not_trusted));
static_assert(CINCH_INVALID_DERIVATION == static_cast<int>(Code::invalid_derivation));
static_assert(CINCH_BUILD_FAILED == static_cast<int>(Code::build_failed));
static_assert(CINCH_DEPENDENCY_FAILED == static_cast<int>(Code::dependency_failed));
static_assert(CINCH_TIMED_OUT == static_cast<int>(Code::timed_out));
static_assert(CINCH_SANDBOX_UNAVAILABLE == static_cast<int>(Code::sandbox_unavailable));
static_assert(CINCH_INTERNAL == static_cast<int>(Code::internal));

constexpr std::string_view no_memory = "there is not enough memory";

}  // namespace

extern "C" {

uint32_t cinch_error_code(const cinch_error* error) noexcept {
  return error->error ? static_cast<uint32_t>(error->error->code()) : CINCH_LIMIT_EXCEEDED;
}

cinch_str cinch_code_name(uint32_t code) noexcept {
  return lend(code == CINCH_OK ? "ok" : cinch::to_string(static_cast<Code>(code)));
}

cinch_str cinch_error_text(const cinch_error* error) noexcept {
  return lend(error->error ? std::string_view(error->error->what()) : no_memory);
}

cinch_str cinch_error_message(const cinch_error* error) noexcept {
  return lend(error->error ? std::string_view(error->error->message()) : no_memory);
}

cinch_str cinch_error_subject(const cinch_error* error) noexcept {
  return lend(error->error ? std::string_view(error->error->subject()) : "");
}

cinch_str cinch_error_hint(const cinch_error* error) noexcept {
  return lend(error->error ? std::string_view(error->error->hint()) : "");
}

bool cinch_error_offset(const cinch_error* error, uint64_t* offset_bytes_out) noexcept {
  if (!error->error || !error->error->offset()) return false;
  *offset_bytes_out = *error->error->offset();
  return true;
}

bool cinch_error_is_retryable(const cinch_error* error) noexcept {
  return error->error && error->error->is_retryable();
}

void cinch_error_free(cinch_error* error) noexcept {
  if (error != nullptr && error->error) delete error;
}

}  // extern "C"
