// Signatures as the tables of a store's database have them: texts with blanks between.
#pragma once

#include <cinch/core/signature.hh>

#include <set>
#include <string>
#include <string_view>

namespace cinch::local {

std::string join_signatures(const std::set<Signature>& signatures);
// Throws Code::malformed.
std::set<Signature> split_signatures(std::string_view text);

}  // namespace cinch::local
