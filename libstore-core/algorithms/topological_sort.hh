// Private to the library: the one topological order that all users of the model share.
#pragma once

#include <cinch/core/error.hh>
#include <cinch/core/store_path.hh>

#include <map>
#include <set>
#include <vector>

namespace cinch {

// The keys of `nodes` such that what a node refers to comes first; equal inputs give equal orders.
// `references_of` gives the StorePathSet of a node's value (by reference); those that are not keys
// do not count, nor does the node itself. Throws Code::corrupt if references form a cycle.
//
// Depth first with a stack of its own: chains may be longer than the thread's stack allows.
template <class Value, class ReferencesOf>
std::vector<StorePath> topological_order(const std::map<StorePath, Value>& nodes,
                                         ReferencesOf references_of) {
  using Node = typename std::map<StorePath, Value>::const_iterator;
  struct Visit {
    Node node;
    StorePathSet::const_iterator next;
  };
  std::vector<StorePath> order;
  order.reserve(nodes.size());
  std::set<StorePath> open;
  std::set<StorePath> done;
  std::vector<Visit> visits;
  const auto begin_visit = [&](Node node) {
    open.insert(node->first);
    visits.push_back({node, references_of(node->second).begin()});
  };
  for (Node root = nodes.begin(); root != nodes.end(); ++root) {
    if (!done.contains(root->first)) begin_visit(root);
    while (!visits.empty()) {
      Visit& visit = visits.back();
      const StorePath& path = visit.node->first;
      if (visit.next == references_of(visit.node->second).end()) {
        open.erase(path);
        done.insert(path);
        order.push_back(path);
        visits.pop_back();
        continue;
      }
      const Node reference = nodes.find(*visit.next++);
      if (reference == nodes.end() || reference == visit.node) continue;
      if (open.contains(reference->first)) {
        throw Error(Code::corrupt, "the references of '" + path.base_name() + "' and '" +
                                       reference->first.base_name() + "' form a cycle")
            .about(reference->first.base_name());
      }
      if (!done.contains(reference->first)) begin_visit(reference);
    }
  }
  return order;
}

}  // namespace cinch
