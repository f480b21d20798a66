#include "convert.hh"

#include <cinch/core/cache_info.hh>

using cinch::CacheInfo;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::lend;
using cinch::capi::view;

struct cinch_cache_info {
  CacheInfo info;
};

extern "C" {

cinch_error* cinch_cache_info_parse(cinch_str text, cinch_cache_info** info_out) noexcept {
  return guarded([&] {
    cinch_cache_info*& out = deref(info_out, "info_out");
    out = new cinch_cache_info{cinch::parse_cache_info(view(text))};
  });
}

cinch_error* cinch_cache_info_new(cinch_str store_dir, const bool* wants_mass_query,
                                  const int32_t* priority, cinch_cache_info** info_out) noexcept {
  return guarded([&] {
    cinch_cache_info*& out = deref(info_out, "info_out");
    CacheInfo info;
    if (const std::string_view directory = view(store_dir); !directory.empty()) {
      info.store_dir.emplace(directory);
    }
    if (wants_mass_query != nullptr) info.want_mass_query = *wants_mass_query;
    if (priority != nullptr) info.priority = *priority;
    out = new cinch_cache_info{std::move(info)};
  });
}

cinch_error* cinch_cache_info_print(const cinch_cache_info* info, cinch_text** text_out) noexcept {
  return guarded([&] {
    cinch_text*& out = deref(text_out, "text_out");
    out = new cinch_text{cinch::print_cache_info(deref(info, "info").info)};
  });
}

cinch_str cinch_cache_info_store_dir(const cinch_cache_info* info) noexcept {
  const auto& directory = info->info.store_dir;
  return lend(directory ? std::string_view(directory->text()) : "");
}

bool cinch_cache_info_wants_mass_query(const cinch_cache_info* info, bool* wants_out) noexcept {
  if (info->info.want_mass_query) *wants_out = *info->info.want_mass_query;
  return info->info.want_mass_query.has_value();
}

bool cinch_cache_info_priority(const cinch_cache_info* info, int32_t* priority_out) noexcept {
  if (info->info.priority) *priority_out = *info->info.priority;
  return info->info.priority.has_value();
}

void cinch_cache_info_free(cinch_cache_info* info) noexcept { delete info; }

}  // extern "C"
