#include "tree_pipeline.hh"
#include "tree_reader.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>
#include <cinch/files/file_tree.hh>

#include <utility>

namespace cinch {

namespace {

// Most trees fit into one batch; they need no second thread.
void read_all_of(TreeReader& reader, NarVisitor& visitor, const ReadTreeOptions& options) {
  TreeBatch batch;
  for (bool more = true; more;) {
    more = reader.fill(batch);
    if (more && !options.on_this_thread) {
      return TreePipeline(reader, visitor, options).run(std::move(batch));
    }
    if (options.beside) batch.replay(*options.beside);
    batch.replay(visitor);
    batch.clear();
    check_cancelled(options.stop);
  }
}

struct SplitName {
  std::string parent;
  std::string name;  // empty: the parent itself is meant
};

SplitName split_full_name(std::string full_name) {
  while (full_name.size() > 1 && full_name.back() == '/') full_name.pop_back();
  const std::size_t slash = full_name.rfind('/');
  std::string name = slash == full_name.npos ? full_name : full_name.substr(slash + 1);
  if (name.empty() || name == "." || name == "..") return {full_name, ""};
  if (slash == full_name.npos) return {".", std::move(name)};
  return {full_name.substr(0, slash == 0 ? 1 : slash), std::move(name)};
}

}  // namespace

void read_tree(const Directory& parent, std::string_view name, NarVisitor& visitor,
               const ReadTreeOptions& options) {
  TreeReader reader(parent, name, options);
  read_all_of(reader, visitor, options);
}

void read_tree(const std::string& full_name, NarVisitor& visitor, const ReadTreeOptions& options) {
  if (full_name.empty()) throw Error(Code::invalid_argument, "the file name is empty");
  const SplitName split = split_full_name(full_name);
  if (!split.name.empty()) {
    return read_tree(Directory::open(split.parent), split.name, visitor, options);
  }
  TreeReader reader(Directory::open(split.parent), options);
  read_all_of(reader, visitor, options);
}

void dump_tree(const std::string& full_name, Sink& sink, const ReadTreeOptions& options) {
  NarWriter writer(sink);
  read_tree(full_name, writer, options);
  writer.finish();
}

}  // namespace cinch
