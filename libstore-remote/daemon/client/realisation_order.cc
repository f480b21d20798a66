#include "client/realisation_order.hh"

#include <cstddef>
#include <map>
#include <set>

namespace cinch {

std::vector<const HashedRealisation*> dependencies_first(
    std::span<const HashedRealisation> realisations) {
  struct Named {
    std::size_t to_come = 0;              // of this key: it may be given more than once
    std::vector<std::size_t> dependents;  // who waits for them
  };
  std::map<HashedRealisationKey, Named> named;
  for (const HashedRealisation& one : realisations) ++named[one.key].to_come;
  std::vector<std::size_t> missing(realisations.size());
  std::set<std::size_t> ready;
  for (std::size_t at = 0; at < realisations.size(); ++at) {
    for (const auto& [key, path] : realisations[at].dependencies) {
      const auto found = named.find(key);
      if (found == named.end()) continue;
      found->second.dependents.push_back(at);
      ++missing[at];
    }
    if (missing[at] == 0) ready.insert(at);
  }
  std::vector<const HashedRealisation*> order;
  order.reserve(realisations.size());
  while (!ready.empty()) {
    const HashedRealisation& next = realisations[ready.extract(ready.begin()).value()];
    order.push_back(&next);
    Named& done = named.at(next.key);
    if (--done.to_come > 0) continue;
    for (const std::size_t at : done.dependents) {
      if (--missing[at] == 0) ready.insert(at);
    }
  }
  for (std::size_t at = 0; at < realisations.size(); ++at) {
    if (missing[at] > 0) order.push_back(&realisations[at]);
  }
  return order;
}

}  // namespace cinch
