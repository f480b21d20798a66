// Private to the library: the one computation with coordinates of Ed25519 that libsodium does not
// offer. Nothing secret passes through: it takes its time according to the numbers.
#pragma once

#include <array>
#include <optional>

namespace cinch {

// The x coordinate, little endian, of a point as Ed25519 encodes it (y, and the lowest bit of x as
// the highest bit). Empty if there is no such point.
std::optional<std::array<unsigned char, 32>> ed25519_x_coordinate(
    const std::array<unsigned char, 32>& point);

}  // namespace cinch
