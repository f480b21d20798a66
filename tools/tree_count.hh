// How much there is in a tree of the user, for whoever wants to see how long it still takes.
#pragma once

#include "progress_line.hh"

#include <string>
#include <thread>

namespace cinch::cli {

class Console;

// Beside the operation that reads the tree: counts its entries and their bytes, without reading
// them, and tells the line what to expect. Only if the console shows progress, and not before the
// line is to be seen: most trees are done by then. Trees that cannot be counted are not.
class TreeCount {
 public:
  // All must outlive it.
  TreeCount(const Console& console, ProgressLine& line, const std::string& file);
  TreeCount(const TreeCount&) = delete;
  TreeCount& operator=(const TreeCount&) = delete;

 private:
  std::jthread thread_;  // stops, and is waited for, with the operation
};

}  // namespace cinch::cli
