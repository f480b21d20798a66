// why-depends.
#include "../context.hh"
#include "../hash_places.hh"
#include "../installable.hh"
#include "../terminal_text.hh"
#include "../verbs.hh"

#include <cinch/core/closure.hh>
#include <cinch/core/error.hh>

#include <algorithm>
#include <deque>
#include <limits>

namespace cinch::cli {

namespace {

constexpr std::string_view branch = "├───";
constexpr std::string_view last_branch = "└───";
constexpr std::string_view trunk = "│   ";
constexpr std::string_view no_trunk = "    ";

constexpr std::size_t unreachable = std::numeric_limits<std::size_t>::max();

struct Node {
  const PathInfo* info;
  std::vector<Node*> referrers;
  std::size_t distance = unreachable;  // to the dependency, in references
  bool printed = false;                // with what it refers to
  const StorePath& path() const { return info->path; }
};

// Prints the part of a closure that lies between a path and one that it depends on, as a tree in
// which what was shown before is not shown again.
class DependencyTree {
 public:
  DependencyTree(Context& context, Store& store, const StorePath& top, const StorePath& bottom)
      : output_(context.output),
        store_(store),
        all_(context.has("--all")),
        precise_(context.has("--precise")),
        colours_(context.colours_on_output()),
        infos_(compute_closure(store, {top})),
        top_(top),
        bottom_(bottom) {}

  // False: there is no such dependency.
  bool print() {
    if (!infos_.contains(bottom_)) return false;
    measure_distances();
    if (!precise_) output_.line(printed(top_));
    std::vector<Frame> frames;
    bool more = enter(frames, nodes_.at(top_), "");
    while (more && !frames.empty()) {
      Frame& frame = frames.back();
      if (frame.next == frame.references.size()) {
        frames.pop_back();
        continue;
      }
      Node& reference = *frame.references[frame.next++];
      const bool last = !all_ || frame.next == frame.references.size();
      print_edge(frame, reference, last);
      const std::string pad = frame.pad + std::string(last ? no_trunk : trunk);
      more = enter(frames, reference, pad);
    }
    return true;
  }

 private:
  // A node whose references are being printed.
  struct Frame {
    Node* node;
    std::string pad;
    std::vector<Node*> references;  // the nearest to the dependency first
    std::size_t next = 0;
    HashPlaces::Found places;
  };

  std::string printed(const StorePath& path) const { return store_.store_dir().print(path); }
  std::string_view colour(std::string_view code) const { return colours_ ? code : ""; }

  void measure_distances() {
    for (const auto& [path, info] : infos_)
      nodes_.emplace(path, Node{.info = &info, .referrers = {}});
    for (auto& [path, node] : nodes_) {
      for (const StorePath& reference : node.info->references) {
        nodes_.at(reference).referrers.push_back(&node);
      }
    }
    Node& bottom = nodes_.at(bottom_);
    bottom.distance = 0;
    std::deque<Node*> queue = {&bottom};
    for (; !queue.empty(); queue.pop_front()) {
      for (Node* referrer : queue.front()->referrers) {
        if (referrer->distance != unreachable) continue;
        referrer->distance = queue.front()->distance + 1;
        queue.push_back(referrer);
      }
    }
  }

  // Prints the node itself, where that is not part of its edge. False: the one chain that was asked
  // for is complete.
  bool enter(std::vector<Frame>& frames, Node& node, const std::string& pad) {
    if (precise_) {
      output_.line(pad + std::string(colour(node.printed ? style::grey : "")) +
                   (pad.empty() ? "" : "→ ") + printed(node.path()) +
                   std::string(colour(style::plain)));
    }
    if (node.path() == bottom_ && !all_ && top_ != bottom_) return false;
    if (node.printed) return true;
    node.printed = precise_;
    Frame frame{.node = &node, .pad = pad, .references = {}, .places = {}};
    for (const StorePath& path : node.info->references) {
      if (path == node.path() && top_ != bottom_) continue;
      Node& reference = nodes_.at(path);
      if (reference.distance != unreachable) frame.references.push_back(&reference);
    }
    std::ranges::stable_sort(frame.references, {}, &Node::distance);
    if (precise_) frame.places = find_places(frame);
    frames.push_back(std::move(frame));
    return true;
  }

  HashPlaces::Found find_places(const Frame& frame) {
    std::set<std::string> hash_parts;
    for (const Node* reference : frame.references) {
      hash_parts.emplace(reference->path().hash_part());
    }
    HashPlaces places(std::move(hash_parts), [this](const std::string& hash_part) {
      const bool wanted = hash_part == bottom_.hash_part();
      return std::string(colour(wanted ? style::green : style::blue)) + hash_part +
             std::string(colour(style::plain));
    });
    NarParserSink parser(places);
    store_.read_nar(frame.node->path(), parser);
    parser.finish();
    return places.take();
  }

  void print_edge(Frame& frame, Node& reference, bool last) {
    if (!precise_) {
      output_.line(frame.pad + std::string(colour(reference.printed ? style::grey : "")) +
                   std::string(last ? last_branch : branch) + printed(reference.path()) +
                   std::string(colour(style::plain)));
      frame.node->printed = true;
      return;
    }
    bool first = true;
    for (const std::string& place : frame.places[std::string(reference.path().hash_part())]) {
      const std::string_view begin = last ? last_branch : branch;
      const std::string_view go_on = last ? no_trunk : trunk;
      output_.line(frame.pad + std::string(first ? begin : go_on) + place);
      first = false;
      if (!all_) break;
    }
  }

  Output& output_;
  Store& store_;
  const bool all_;
  const bool precise_;
  const bool colours_;
  const std::map<StorePath, PathInfo> infos_;
  const StorePath top_;
  const StorePath bottom_;
  std::map<StorePath, Node> nodes_;
};

int run_why_depends(Context& context) {
  const std::unique_ptr<Store> store = context.open_store();
  const StorePath top = installable_path(*store, context.arguments.positional()[0]);
  const StorePath bottom = installable_path(*store, context.arguments.positional()[1]);
  if (DependencyTree(context, *store, top, bottom).print()) return 0;
  // An answer, and no failure: so is it for Nix.
  context.console.message(Verbosity::error, "'" + store->store_dir().print(top) +
                                                "' does not depend on '" +
                                                store->store_dir().print(bottom) + "'");
  return 0;
}

constexpr Option options[] = {
    {"-a,--all", "", "show every way, not only the shortest one"},
    {"--precise", "", "show in which files and symlinks the references are"},
};

constexpr Verb table[] = {
    {"why-depends", "Show through what a store object depends on another one", "PATH DEPENDENCY", 2,
     2,
     "Prints the shortest chain of references from PATH to DEPENDENCY as a tree; with --all, every "
     "reference on the way. What was shown before is not gone into again.",
     "cinch why-depends --precise ./result /nix/store/...-glibc-2.36", options, run_why_depends},
};

}  // namespace

constinit const std::span<const Verb> why_depends_verbs = table;

}  // namespace cinch::cli
