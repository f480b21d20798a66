#include "batch_order.hh"

#include "garbage/store_graph.hh"

#include <string_view>
#include <unordered_map>

namespace cinch::local {

std::vector<std::size_t> references_first(std::span<const BatchMember> batch) {
  std::unordered_map<std::string_view, Node> places;
  places.reserve(batch.size());
  for (Node at = 0; at < batch.size(); ++at) places.emplace(batch[at].path.base_name(), at);
  Edges::Pairs referrers;  // of each reference
  std::vector<std::size_t> missing(batch.size());
  for (Node at = 0; at < batch.size(); ++at) {
    for (const StorePath& reference : batch[at].references) {
      const auto found = places.find(reference.base_name());
      if (found == places.end() || reference == batch[at].path) continue;
      referrers.emplace_back(found->second, at);
      ++missing[at];
    }
  }
  const Edges referrers_of(batch.size(), referrers);
  std::vector<std::size_t> order;
  order.reserve(batch.size());
  for (Node at = 0; at < batch.size(); ++at) {
    if (missing[at] == 0) order.push_back(at);
  }
  for (std::size_t done = 0; done < order.size(); ++done) {
    for (const Node referrer : referrers_of.of(static_cast<Node>(order[done]))) {
      if (--missing[referrer] == 0) order.push_back(referrer);
    }
  }
  return order;
}

}  // namespace cinch::local
