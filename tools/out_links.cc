#include "out_links.hh"

#include <cinch/local/permanent_root.hh>

#include <filesystem>

namespace cinch::cli {

void make_out_link(Store& store, const std::string& link, const StorePath& target) {
  (void)add_permanent_root(store, std::filesystem::absolute(link).string(), target);
}

std::string out_link_name(const std::string& link, std::size_t position,
                          const std::string& output) {
  std::string name = link;
  if (position > 0) name += "-" + std::to_string(position);
  if (output != "out") name += "-" + output;
  return name;
}

}  // namespace cinch::cli
