#include "log_lines.hh"

#include <algorithm>

namespace cinch {

void LogLines::write(Bytes bytes) {
  std::string_view rest = as_text(bytes);
  while (!rest.empty()) {
    std::size_t end = std::min(rest.find_first_of("\r\n"), rest.size());
    put(rest.substr(0, end));
    if (end < rest.size()) {
      if (rest[end] == '\n') end_line();
      column_ = 0;
      ++end;
    }
    rest.remove_prefix(end);
  }
}

void LogLines::put(std::string_view text) {
  while (!text.empty()) {
    std::string_view part = text.substr(0, log_line_bytes_max - column_);
    std::size_t overwritten = std::min(part.size(), line_.size() - column_);
    line_.replace(column_, overwritten, part);
    column_ += part.size();
    text.remove_prefix(part.size());
    if (column_ == log_line_bytes_max) end_line();
  }
}

void LogLines::finish() {
  if (!line_.empty()) end_line();
}

void LogLines::end_line() {
  if (on_line_) on_line_(line_);
  if (kept_max_ > 0) {
    if (kept_.size() == kept_max_) kept_.pop_front();
    kept_.push_back(std::move(line_));
  }
  line_.clear();
  column_ = 0;
}

}  // namespace cinch
