// What is said before and after builds.
#pragma once

#include "context.hh"

#include <cinch/core/build_result.hh>
#include <cinch/core/realiser.hh>

#include <vector>

namespace cinch::cli {

// Lists on standard error what will be built and fetched, and what nobody can provide.
void print_plan(Context& context, const StoreDir& store_dir, const MissingPlan& plan,
                Verbosity level);

// Tells each failure once and returns the exit status: 0 if there is none.
int report_failures(Context& context, Store& store, const std::vector<BuildResult>& results);

}  // namespace cinch::cli
