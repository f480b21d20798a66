#include "verb.hh"

#include <algorithm>

namespace cinch::cli {

std::string_view Option::key() const {
  const std::size_t comma = names.rfind(',');
  return comma == std::string_view::npos ? names : names.substr(comma + 1);
}

std::size_t Option::value_count() const {
  if (value.empty()) return 0;
  return 1 + static_cast<std::size_t>(std::count(value.begin(), value.end(), ' '));
}

std::size_t Arguments::count(std::string_view key) const {
  const auto found = options_.find(key);
  return found == options_.end() ? 0 : found->second.size();
}

std::optional<std::string> Arguments::value(std::string_view key) const {
  const auto found = options_.find(key);
  if (found == options_.end() || found->second.empty()) return std::nullopt;
  return found->second.back();
}

std::vector<std::string> Arguments::values(std::string_view key) const {
  const auto found = options_.find(key);
  return found == options_.end() ? std::vector<std::string>{} : found->second;
}

}  // namespace cinch::cli
