#include "convert.hh"

#include <cinch/core/config_file.hh>

using cinch::ConfigLine;
using cinch::Error;
using cinch::Settings;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::lend;
using cinch::capi::view;

namespace {

// Who knows a setting; its value may be wrong all the same.
std::uint32_t meaning_of(const ConfigLine& line) {
  Settings settings;
  try {
    if (!cinch::apply_config(settings, {&line, 1}).empty()) return CINCH_SETTING_UNKNOWN;
    return settings.others.empty() ? CINCH_SETTING_KNOWN : CINCH_SETTING_FOREIGN;
  } catch (const Error&) {
    return CINCH_SETTING_KNOWN;
  }
}

}  // namespace

struct cinch_config {
  explicit cinch_config(std::vector<ConfigLine> given) : lines(std::move(given)) {
    for (const ConfigLine& line : lines) {
      list.push_back({.size = sizeof(cinch_config_line),
                      .meaning = meaning_of(line),
                      .name = lend(line.name),
                      .value = lend(line.value),
                      .file = lend(line.file),
                      .line_number = line.line,
                      .reserved = 0});
    }
  }
  cinch_config(const cinch_config&) = delete;
  cinch_config& operator=(const cinch_config&) = delete;

  std::vector<ConfigLine> lines;
  std::vector<cinch_config_line> list;  // views into `lines`
};

extern "C" {

cinch_error* cinch_config_parse(cinch_str text, cinch_str file, cinch_read_file_fn read,
                                void* payload, cinch_config** config_out) noexcept {
  return guarded([&] {
    cinch_config*& out = deref(config_out, "config_out");
    const auto read_included = [&](const std::string& name) -> std::optional<std::string> {
      if (read == nullptr) return std::nullopt;
      cinch_text* given = nullptr;
      const int32_t answer = read(lend(name), &given, payload);
      const std::unique_ptr<cinch_text> owned(given);
      cinch::capi::check_callback(answer);
      if (!owned) return std::nullopt;
      return owned->text;
    };
    out = new cinch_config(cinch::parse_config(view(text), std::string(view(file)), read_included));
  });
}

size_t cinch_config_count(const cinch_config* config) noexcept { return config->list.size(); }

const cinch_config_line* cinch_config_at(const cinch_config* config, size_t index) noexcept {
  return index < config->list.size() ? &config->list[index] : nullptr;
}

cinch_error* cinch_config_check(const cinch_config* config) noexcept {
  return guarded([&] {
    Settings settings;
    cinch::apply_config(settings, deref(config, "config").lines);
  });
}

void cinch_config_free(cinch_config* config) noexcept { delete config; }

}  // extern "C"
