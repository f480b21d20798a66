#include "convert.hh"

#include <algorithm>
#include <array>

namespace {

constexpr std::array<std::string_view, 3> features = {"build", "daemon", "local"};

static_assert(CINCH_VERSION ==
              CINCH_VERSION_MAJOR * 1000000 + CINCH_VERSION_MINOR * 1000 + CINCH_VERSION_PATCH);

}  // namespace

extern "C" {

uint32_t cinch_version(void) noexcept { return CINCH_VERSION; }

uint32_t cinch_abi_version(void) noexcept { return 0; }

bool cinch_has_feature(cinch_str name) noexcept {
  if (name.data == nullptr) return false;
  return std::ranges::find(features, cinch::capi::view(name)) != features.end();
}

}  // extern "C"
