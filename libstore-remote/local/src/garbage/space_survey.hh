// What trees take on disk. There may be more of them than anybody wants to wait for, so that after
// some time those that were not looked at are taken to be like others of their size.
#pragma once

#include <cinch/files/directory.hh>

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

namespace cinch::local {

struct SurveyedTree {
  std::string name;
  std::uint64_t nar_size;  // 0: unknown
};

struct SpaceSurvey {
  std::uint64_t files = 0;  // and directories, and symlinks
  std::uint64_t bytes = 0;  // that are free when all the trees are gone
  std::uint64_t files_seen = 0;
  bool estimated = false;  // from those that were seen
};

// Files that other trees share, too, give nothing free; their names in `.links` do not count. Trees
// that are not there take nothing. A few hundred files are looked at whatever the time is.
SpaceSurvey survey_space(const Directory& objects, std::vector<SurveyedTree> trees,
                         std::chrono::milliseconds time_max, const std::stop_token& stop = {});

}  // namespace cinch::local
