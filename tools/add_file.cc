#include "add_file.hh"

#include "counted_streams.hh"
#include "file_content.hh"
#include "tree_count.hh"

#include <cinch/local/local_store.hh>

#include <cstdint>
#include <memory>
#include <string_view>

namespace cinch::cli {

StorePath add_file(Console& console, Store& store, const std::string& file,
                   const AddContent& options, std::stop_token stop) {
  ProgressLine line(console, {.doing = "adding", .items = "files"});
  const TreeCount expected(console, line, file);
  const bool whole_tree = options.method == ContentAddressMethod::nar &&
                          options.algorithm == HashAlgorithm::sha256 && options.references.empty();
  if (auto* local = dynamic_cast<LocalStore*>(&store); local != nullptr && whole_tree) {
    AddTreeOptions how;
    how.filter = [&](std::string_view) {
      line.add({.items_done = 1});
      return true;
    };
    how.progress = [&](std::uint64_t bytes) { line.add({.bytes_done = bytes}); };
    return local->add_tree(options.name, file, how, stop).path;
  }
  const std::unique_ptr<Source> content = read_content(file, options.method, stop);
  CountedSource counted(*content, line, stop);
  return store.add_content(options, counted, stop).path;
}

}  // namespace cinch::cli
