#include "add_file.hh"

#include "file_content.hh"

#include <cinch/local/local_store.hh>

#include <memory>

namespace cinch::cli {

StorePath add_file(Store& store, const std::string& file, const AddContent& options,
                   std::stop_token stop) {
  const bool whole_tree = options.method == ContentAddressMethod::nar &&
                          options.algorithm == HashAlgorithm::sha256 && options.references.empty();
  if (auto* local = dynamic_cast<LocalStore*>(&store); local != nullptr && whole_tree) {
    return local->add_tree(options.name, file, stop).path;
  }
  const std::unique_ptr<Source> content = read_content(file, options.method, stop);
  return store.add_content(options, *content, stop).path;
}

}  // namespace cinch::cli
