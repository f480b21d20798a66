#include "convert.hh"

#include <cinch/build/make_realiser.hh>
#include <cinch/remote/open_store.hh>

using cinch::Code;
using cinch::Error;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::lend;
using cinch::capi::read_options;
using cinch::capi::view;

namespace {

cinch::Settings settings_of(const cinch_store_options& options) {
  cinch::Settings settings;
  if (options.settings_count > 0) deref(options.settings, "settings");
  for (std::size_t i = 0; i < options.settings_count; ++i) {
    const std::string_view name = view(options.settings[i].name);
    if (!settings.set(name, view(options.settings[i].value))) {
      throw Error(Code::invalid_argument, "there is no setting '" + std::string(name) + "'");
    }
  }
  return settings;
}

cinch::Environment environment_of(const cinch_store_options& options) {
  cinch::Environment environment;
  if (options.environment_count > 0) deref(options.environment, "environment");
  for (std::size_t i = 0; i < options.environment_count; ++i) {
    environment.emplace(view(options.environment[i].name), view(options.environment[i].value));
  }
  return environment;
}

}  // namespace

cinch::Realiser& cinch_store::realiser() const {
  const std::lock_guard lock(mutex_);
  if (!realiser_) realiser_ = cinch::make_realiser(*store, settings);
  return *realiser_;
}

extern "C" {

cinch_error* cinch_store_open(cinch_str url, const cinch_store_options* options,
                              cinch_store** store_out) noexcept {
  return guarded([&] {
    cinch_store*& out = deref(store_out, "store_out");
    const auto given = read_options<cinch_store_options>(options, CINCH_STORE_OPTIONS_INIT);
    if (given.reserved != 0) throw Error(Code::invalid_argument, "'reserved' must be 0");
    auto made = std::make_unique<cinch_store>();
    made->settings = settings_of(given);
    made->store = cinch::open_store(view(url), made->settings, environment_of(given));
    made->url = made->store->url();
    out = made.release();
  });
}

void cinch_store_free(cinch_store* store) noexcept { delete store; }

cinch_str cinch_store_dir(const cinch_store* store) noexcept {
  return lend(store->store->store_dir().text());
}

cinch_str cinch_store_url(const cinch_store* store) noexcept { return lend(store->url); }

}  // extern "C"
