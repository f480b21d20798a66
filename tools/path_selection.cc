#include "path_selection.hh"

#include "installable.hh"

#include <cinch/core/closure.hh>

namespace cinch::cli {

Reach chosen_reach(const Context& context) {
  return context.has("--recursive") ? Reach::closures : Reach::paths;
}

std::map<StorePath, PathInfo> selected_objects(const Context& context, Store& store, Reach reach) {
  if (context.arguments.positional().empty() && !context.has("--all")) {
    context.refuse("name some paths, or use --all");
  }
  StorePathSet wanted = installable_paths(store, context.arguments.positional());
  if (context.has("--all")) wanted.merge(store.all_valid_paths());
  return reach == Reach::closures ? compute_closure(store, wanted) : require_all(store, wanted);
}

}  // namespace cinch::cli
