#include "path_selection.hh"

#include "installable.hh"

#include <cinch/core/closure.hh>
#include <cinch/core/error.hh>

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
  if (reach == Reach::closures) return compute_closure(store, wanted);
  const std::vector<StorePath> asked(wanted.begin(), wanted.end());
  std::vector<std::optional<PathInfo>> found = store.find(asked);
  std::map<StorePath, PathInfo> infos;
  for (std::size_t at = 0; at < asked.size(); ++at) {
    if (!found[at]) {
      throw Error(Code::not_found, "path '" + store.store_dir().print(asked[at]) + "' is not valid")
          .about(store.url());
    }
    infos.emplace_hint(infos.end(), asked[at], *std::move(found[at]));
  }
  return infos;
}

}  // namespace cinch::cli
