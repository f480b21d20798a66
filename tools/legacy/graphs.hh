// References of store objects, drawn as nix-store draws them: as a tree, for Graphviz, as GraphML.
#pragma once

#include "../output.hh"

#include <cinch/core/path_info.hh>
#include <cinch/core/store.hh>

#include <map>
#include <vector>

namespace cinch::cli {

// Infos of what is valid among some paths, and of their closures, in few questions to the store.
class PathInfos {
 public:
  PathInfos(Store& store, const StorePathSet& roots);

  const StoreDir& store_dir() const { return store_.store_dir(); }
  const PathInfo& require(const StorePath& path) const;  // throws Code::not_found
  // The paths in the order of Nix: references first; what is not valid has none.
  std::vector<StorePath> sorted(const StorePathSet& paths) const;
  std::vector<StorePath> all_sorted() const;  // with all that they refer to

 private:
  Store& store_;
  std::map<StorePath, PathInfo> infos_;
};

// `done` are the paths whose references were drawn already, by earlier trees too.
void draw_tree(const PathInfos& infos, const StorePath& root, StorePathSet& done, Output& output);
void draw_dot_graph(const PathInfos& infos, const StorePathSet& roots, Output& output);
void draw_graphml(const PathInfos& infos, const StorePathSet& roots, Output& output);

}  // namespace cinch::cli
