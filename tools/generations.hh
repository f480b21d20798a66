// Which generations of a profile to delete, as the user says it.
#pragma once

#include "context.hh"

#include <cinch/local/profile.hh>

#include <string>
#include <vector>

namespace cinch::cli {

// "30d": a number of days, at least 1. The generations that had been replaced by then. Throws
// Code::invalid_argument.
Profile::Choose older_than(const std::string& days);

// Deletes generations, or only says which ones, on standard error.
void remove_generations(Context& context, Profile& profile, const Profile::Choose& choose,
                        bool dry_run, std::stop_token stop);

}  // namespace cinch::cli
