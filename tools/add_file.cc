#include "add_file.hh"

#include "counted_streams.hh"
#include "file_content.hh"

#include <cinch/local/local_store.hh>

#include <memory>
#include <string_view>

namespace cinch::cli {

StorePath add_file(Console& console, Store& store, const std::string& file,
                   const AddContent& options, std::stop_token stop) {
  ProgressLine line(console, {.doing = "adding", .items = "files"});
  const bool whole_tree = options.method == ContentAddressMethod::nar &&
                          options.algorithm == HashAlgorithm::sha256 && options.references.empty();
  if (auto* local = dynamic_cast<LocalStore*>(&store); local != nullptr && whole_tree) {
    const auto count = [&](std::string_view) {
      line.add({.items_done = 1});
      return true;
    };
    return local->add_tree(options.name, file, count, stop).path;
  }
  const std::unique_ptr<Source> content = read_content(file, options.method, stop);
  CountedSource counted(*content, line, stop);
  return store.add_content(options, counted, stop).path;
}

}  // namespace cinch::cli
