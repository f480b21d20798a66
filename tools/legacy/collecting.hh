// Collecting garbage on behalf of Nix's older programs.
#pragma once

#include "../context.hh"

#include <cinch/core/garbage.hh>

#include <cstdint>
#include <string>

namespace cinch::cli {

// Collects, and prints how much was deleted, on standard output: also if that fails.
int collect_garbage(Context& context, Store& store, GarbageOptions options, std::stop_token stop);

// "100", "3K", "2G": the units K, M, G and T are powers of 1024; what is negative is 0. Throws
// Code::invalid_argument.
std::uint64_t parse_max_freed(const Context& context, const std::string& text);

}  // namespace cinch::cli
