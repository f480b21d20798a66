#include <cinch/core/build_request.hh>

#include <algorithm>
#include <utility>

namespace cinch {

namespace {

// Text in double quotes, on one line whatever it holds: control characters, quotes and backslashes
// are escaped, all other bytes stay.
std::string quote(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result = "\"";
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (character == '"' || character == '\\') {
      result += '\\';
      result += character;
    } else if (character == '\n') {
      result += "\\n";
    } else if (character == '\t') {
      result += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      result += "\\x";
      result += digits[byte >> 4];
      result += digits[byte & 15];
    } else {
      result += character;
    }
  }
  return result += '"';
}

class Lines {
 public:
  template <class... Words>
  void add(const Words&... words) {
    bool first = true;
    ((text_ += first ? "" : " ", text_ += words, first = false), ...);
    text_ += '\n';
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void add_limits(Lines& lines, const BuildLimits& limits) {
  lines.add("limit time", std::to_string(limits.time_max.count()) + "s");
  lines.add("limit silence", std::to_string(limits.silent_time_max.count()) + "s");
  lines.add("limit log", std::to_string(limits.log_bytes_max) + "B");
  lines.add("limit shared-memory", quote(limits.shared_memory_size));
}

}  // namespace

std::string BuildRequest::print() const {
  Lines lines;
  lines.add("derivation", derivation.base_name());
  lines.add("system", quote(system));
  for (const std::string& word : command) lines.add("command", quote(word));
  for (const auto& [name, value] : environment) lines.add("environment", quote(name), quote(value));
  lines.add("working-directory", quote(working_directory));
  lines.add("store-directory", quote(store_dir));
  for (const auto& [path, place] : inputs) lines.add("input", path.base_name(), quote(place));
  for (const auto& [name, path] : outputs) lines.add("output", quote(name), path.base_name());
  std::vector<BuildMount> sorted_mounts = mounts;
  std::ranges::sort(sorted_mounts);
  for (const BuildMount& mount : sorted_mounts) {
    lines.add("mount", quote(mount.target), quote(mount.source),
              mount.optional ? "optional" : "required");
  }
  std::vector<BuildFile> sorted_files = files;
  std::ranges::sort(sorted_files);
  for (const BuildFile& file : sorted_files) {
    lines.add("file", quote(file.name), quote(file.contents));
  }
  lines.add("network", network ? "yes" : "no");
  add_limits(lines, limits);
  return lines.take();
}

}  // namespace cinch
