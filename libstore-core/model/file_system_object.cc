#include "tree_builder.hh"

#include <cinch/core/file_system_object.hh>

namespace cinch {

namespace {

// What an object costs beside its bytes: its place in a map.
constexpr std::uint64_t object_bytes = 64;

}  // namespace

struct MemoryTreeBuilder::State {
  TreeBuilder<std::string> tree;
};

MemoryTreeBuilder::MemoryTreeBuilder(std::uint64_t size_bytes_max)
    : state_(new State{TreeBuilder<std::string>(size_bytes_max)}) {}
MemoryTreeBuilder::~MemoryTreeBuilder() = default;

void MemoryTreeBuilder::directory() {
  state_->tree.spend(object_bytes);
  state_->tree.directory();
}

void MemoryTreeBuilder::entry(std::string_view name) {
  state_->tree.spend(name.size());
  state_->tree.entry(name);
}

void MemoryTreeBuilder::file(std::uint64_t, bool executable) {
  state_->tree.spend(object_bytes);
  state_->tree.file({}, executable);
}

// What is kept is what has come, whatever length was announced.
void MemoryTreeBuilder::contents(Bytes bytes) {
  state_->tree.spend(bytes.size());
  state_->tree.contents() += as_text(bytes);
}

void MemoryTreeBuilder::symlink(std::string_view target) {
  state_->tree.spend(object_bytes + target.size());
  state_->tree.symlink(target);
}

void MemoryTreeBuilder::leave() { state_->tree.leave(); }

MemoryTree MemoryTreeBuilder::take() { return state_->tree.take(); }

void visit_tree(const MemoryTree& tree, NarVisitor& visitor) {
  using Entries = decltype(MemoryTree::Directory::entries);
  struct Open {
    Entries::const_iterator next;
    Entries::const_iterator end;
  };
  std::vector<Open> open;
  const MemoryTree* object = &tree;
  for (;;) {
    if (const auto* directory = object->directory()) {
      visitor.directory();
      open.push_back({directory->entries.begin(), directory->entries.end()});
    } else if (const auto* file = object->regular()) {
      visitor.file(file->contents.size(), file->executable);
      if (!file->contents.empty()) visitor.contents(as_bytes(file->contents));
      visitor.leave();
    } else {
      visitor.symlink(object->symlink()->target);
    }
    while (!open.empty() && open.back().next == open.back().end) {
      visitor.leave();
      open.pop_back();
    }
    if (open.empty()) return;
    visitor.entry(open.back().next->first);
    object = &open.back().next++->second;
  }
}

}  // namespace cinch
