// Which paths a collection is about.
#include "collector.hh"

#include <cinch/core/error.hh>

#include <algorithm>

namespace cinch::local {

// What is to go, referrers first.
std::vector<Node> Collector::choose() {
  const std::lock_guard lock(mutex_);  // the root server marks paths at any time
  if (options_.only) return choose_some();
  std::vector<bool> dead = liveness_.alive();
  dead.flip();
  std::vector<Node> order = graph_.referrers_first(dead);
  const auto count = static_cast<std::size_t>(std::ranges::count(dead, true));
  // Somebody has registered what cannot be; whoever knows what it was may want to look at it.
  if (order.size() < count) {
    for (const Node node : graph_.on_cycles(dead)) {
      report_.cyclic.push_back(StorePath::parse(graph_.base_name(node)));
    }
  }
  return order;
}

std::vector<Node> Collector::choose_some() {
  std::vector<bool> chosen(graph_.size());
  for (const StorePath& path : *options_.only) {
    if (const auto node = graph_.find(path.base_name())) chosen[*node] = true;
  }
  if (options_.also_referrers) add_referrers(chosen);
  for (Node node = 0; node < graph_.size(); ++node) {
    if (!chosen[node] || !liveness_.is_alive(node)) continue;
    if (!options_.skip_alive) refuse(node, "is still alive");
    chosen[node] = false;
  }
  drop_needed(chosen);
  std::vector<Node> order = graph_.referrers_first(chosen);
  // What is on a cycle goes together.
  together_from_ = order.size();
  for (const Node node : order) chosen[node] = false;
  for (Node node = 0; node < graph_.size(); ++node) {
    if (chosen[node]) order.push_back(node);
  }
  return order;
}

void Collector::add_referrers(std::vector<bool>& chosen) const {
  const Edges referrers = graph_.referrers();
  std::vector<Node> left;
  for (Node node = 0; node < graph_.size(); ++node) {
    if (chosen[node]) left.push_back(node);
  }
  while (!left.empty()) {
    const Node node = left.back();
    left.pop_back();
    for (const Node referrer : referrers.of(node)) {
      if (chosen[referrer]) continue;
      chosen[referrer] = true;
      left.push_back(referrer);
    }
  }
}

// What something else refers to stays, and with it what it refers to itself.
void Collector::drop_needed(std::vector<bool>& chosen) const {
  std::vector<Node> staying;
  for (Node node = 0; node < graph_.size(); ++node) {
    if (!chosen[node]) staying.push_back(node);
  }
  while (!staying.empty()) {
    const Node node = staying.back();
    staying.pop_back();
    for (const Node reference : graph_.references(node)) {
      if (!chosen[reference]) continue;
      if (!options_.skip_alive) {
        refuse(reference, "is needed by '" + printed(node) + "'");
      }
      chosen[reference] = false;
      staying.push_back(reference);
    }
  }
}

std::string Collector::printed(Node node) const {
  return place_.store_dir.text() + "/" + graph_.base_name(node);
}

void Collector::refuse(Node node, const std::string& why) const {
  throw Error(Code::busy, "'" + printed(node) + "' cannot be deleted, because it " + why)
      .about(printed(node))
      .hint("'cinch store roots --why' says what keeps it");
}

}  // namespace cinch::local
