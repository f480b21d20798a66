// The texts of --help.
#pragma once

#include "verb.hh"

#include <string>

namespace cinch::cli {

std::string overview_help();
std::string group_help(std::string_view group);
std::string verb_help(const Verb& verb);
// The verb whose name is nearest to `words`; empty if none is near.
std::string similar_verb(std::string_view words);

}  // namespace cinch::cli
