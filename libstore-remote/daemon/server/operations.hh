// The one table of the worker protocol's operations.
#pragma once

#include "server/session.hh"
#include "wire/protocol.hh"

#include <cstdint>
#include <span>
#include <string_view>

namespace cinch {

enum class LeastTrust : std::uint8_t { any, trusted };

struct OperationEntry {
  wire::Operation number;
  std::string_view name;  // Nix's
  LeastTrust least;
  // Reads the arguments, works, writes the reply. Throws ErrorSent if the client got an error
  // instead; any other exception ends the connection.
  void (*run)(Session& session);
};

std::span<const OperationEntry> all_operations();
// Null for numbers that no version has, or that are no longer used.
const OperationEntry* find_operation(std::uint64_t number);

}  // namespace cinch
