// Format: docs/formats/narinfo.md.
#include "field_lines.hh"

#include <cinch/core/cache_info.hh>

#include <charconv>
#include <limits>

namespace cinch {

namespace {

bool parse_flag(const FieldLine& line) {
  if (line.value != "0" && line.value != "1") {
    line.fail("the field '" + std::string(line.name) + "' must be 0 or 1");
  }
  return line.value == "1";
}

std::int32_t parse_priority(const FieldLine& line) {
  std::int32_t number = 0;
  const char* end = line.value.data() + line.value.size();
  const auto [stop, error] = std::from_chars(line.value.data(), end, number);
  if (error != std::errc() || stop != end) {
    line.fail("the field '" + std::string(line.name) + "' must be a whole number");
  }
  return number;
}

template <class Value>
void set_once(std::optional<Value>& field, const FieldLine& line, Value value) {
  if (field) line.fail("the field '" + std::string(line.name) + "' is there twice");
  field = std::move(value);
}

}  // namespace

CacheInfo parse_cache_info(std::string_view text) {
  if (text.size() > cache_info_bytes_max) {
    throw Error(Code::limit_exceeded,
                "a nix-cache-info has more than " + std::to_string(cache_info_bytes_max) + " bytes")
        .at(cache_info_bytes_max);
  }
  // Written by hand, the last newline is often missing.
  std::string whole(text);
  if (!whole.empty() && !whole.ends_with('\n')) whole += '\n';
  CacheInfo info;
  FieldLines lines(whole);
  while (const auto line = lines.next()) {
    if (line->name == "StoreDir") {
      set_once(info.store_dir, *line,
               line->parse_value([](std::string_view value) { return StoreDir(value); }));
    } else if (line->name == "WantMassQuery") {
      set_once(info.want_mass_query, *line, parse_flag(*line));
    } else if (line->name == "Priority") {
      set_once(info.priority, *line, parse_priority(*line));
    } else {
      info.other_fields.push_back({std::string(line->name), std::string(line->value)});
    }
  }
  return info;
}

std::string print_cache_info(const CacheInfo& info) {
  std::string text;
  if (info.store_dir) append_field(text, "StoreDir", info.store_dir->text());
  if (info.want_mass_query) append_field(text, "WantMassQuery", *info.want_mass_query ? "1" : "0");
  if (info.priority) append_field(text, "Priority", std::to_string(*info.priority));
  append_fields(text, info.other_fields);
  return text;
}

}  // namespace cinch
