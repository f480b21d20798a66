// What the verbs that keep a store in order share.
#pragma once

#include "console.hh"
#include "context.hh"
#include "progress_line.hh"

#include <cinch/core/garbage.hh>
#include <cinch/core/maintenance.hh>
#include <cinch/core/settings.hh>
#include <cinch/core/store_path.hh>

#include <stop_token>

namespace cinch::cli {

// Bits of the exit status of verifying, as Nix sets them.
constexpr int exit_corrupt = 1;
constexpr int exit_failed = 4;

void show(ProgressLine& line, const MaintenanceProgress& progress);

// What the settings say about derivations and their outputs.
LivenessOptions liveness_of(const Settings& settings);

// Throws Code::not_supported.
GarbageStore& garbage_store(Store& store);

// As GarbageStore::collect_garbage(), shown on the console; warns of what is no part of a store.
GarbageReport collect_garbage(Console& console, Store& store, const GarbageOptions& options,
                              std::stop_token stop);

// Verifies with a progress line. With `repair`, what no other store has is built again, where
// something can be built.
VerifyReport verify(Context& context, Store& store, VerifyOptions options, const char* doing,
                    std::stop_token stop);

// Says what was found and what was done about it; returns the bits for what is left.
int tell_problems(Console& console, const StoreDir& store_dir, const VerifyReport& report);

}  // namespace cinch::cli
