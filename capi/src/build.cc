#include "convert.hh"

#include <cinch/core/build_result.hh>
#include <cinch/core/deriving_path.hh>
#include <cinch/core/event.hh>

#include <variant>

using cinch::BuildResult;
using cinch::BuildStatus;
using cinch::Code;
using cinch::Error;
using cinch::StoreDir;
using cinch::StorePath;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::lend;
using cinch::capi::read_options;
using cinch::capi::view;

namespace {

static_assert(CINCH_BUILD_BUILT == static_cast<int>(BuildStatus::built));
static_assert(CINCH_BUILD_ALREADY_VALID == static_cast<int>(BuildStatus::already_valid));
static_assert(CINCH_BUILD_TIMED_OUT == static_cast<int>(BuildStatus::timed_out));
static_assert(CINCH_BUILD_NOT_DETERMINISTIC == static_cast<int>(BuildStatus::not_deterministic));
static_assert(CINCH_BUILD_NO_SUBSTITUTERS == static_cast<int>(BuildStatus::no_substituters));

// Passes events on to a callback.
class CallbackEvents final : public cinch::EventSink {
 public:
  CallbackEvents(const StoreDir& store_dir, cinch_event_fn event, void* payload)
      : store_dir_(store_dir), event_(event), payload_(payload) {}

  void emit(const cinch::Event& event) override {
    std::visit([this](const auto& kind) { pass_on(kind); }, event);
  }

 private:
  static cinch_event of_kind(std::uint32_t kind) {
    cinch_event event{};
    event.size = sizeof event;
    event.kind = kind;
    event.text = lend("");
    return event;
  }
  void pass_on(const cinch::MessageEvent& message) {
    cinch_event event = of_kind(CINCH_EVENT_MESSAGE);
    event.level = static_cast<std::uint32_t>(message.level);
    event.text = lend(message.text);
    call(event);
  }
  void pass_on(const cinch::BuildStartedEvent& started) {
    call(of_kind(CINCH_EVENT_BUILD_STARTED), started.derivation);
  }
  void pass_on(const cinch::BuildLogEvent& log) {
    cinch_event event = of_kind(CINCH_EVENT_BUILD_LOG);
    event.text = lend(log.line);
    call(event, log.derivation);
  }
  void pass_on(const cinch::BuildFinishedEvent& finished) {
    cinch_event event = of_kind(CINCH_EVENT_BUILD_FINISHED);
    event.status = static_cast<std::uint32_t>(finished.status);
    event.text = lend(finished.error_message);
    event.duration_ms = finished.duration_ms;
    call(event, finished.derivation);
  }
  void pass_on(const cinch::BuildProgressEvent& progress) {
    cinch_event event = of_kind(CINCH_EVENT_PROGRESS);
    event.done = progress.done;
    event.expected = progress.expected;
    event.running = progress.running;
    event.failed = progress.failed;
    call(event);
  }
  void call(cinch_event event, const StorePath& derivation) {
    const cinch_path path(store_dir_, derivation);
    event.derivation = &path;
    call(event);
  }
  void call(const cinch_event& event) { cinch::capi::check_callback(event_(&event, payload_)); }

  const StoreDir& store_dir_;
  cinch_event_fn event_;
  void* payload_;
};

}  // namespace

extern "C" {

cinch_error* cinch_store_build(const cinch_store* store, const cinch_str* wanted,
                               size_t wanted_count, const cinch_build_options* options,
                               cinch_build_results** results_out) noexcept {
  return guarded([&] {
    cinch_build_results*& out = deref(results_out, "results_out");
    const cinch_store& handle = deref(store, "store");
    const StoreDir& store_dir = handle.store->store_dir();
    const auto given = read_options<cinch_build_options>(options, CINCH_BUILD_OPTIONS_INIT);
    if (given.keep_going > 1) throw Error(Code::invalid_argument, "'keep_going' must be 0 or 1");
    std::vector<cinch::DerivingPath> paths;
    if (wanted_count > 0) deref(wanted, "wanted");
    for (size_t i = 0; i < wanted_count; ++i) {
      paths.push_back(cinch::parse_deriving_path(view(wanted[i]), store_dir));
    }
    std::unique_ptr<cinch::EventSink> events = std::make_unique<cinch::NullEventSink>();
    if (given.event != nullptr) {
      events = std::make_unique<CallbackEvents>(store_dir, given.event, given.payload);
    }
    auto results = std::make_unique<cinch_build_results>();
    for (const BuildResult& result :
         handle.realiser().realise(paths, {.keep_going = given.keep_going == 1}, *events,
                                   cinch::capi::token_of(given.cancel))) {
      results->list.emplace_back(store_dir, result);
    }
    out = results.release();
  });
}

size_t cinch_build_results_count(const cinch_build_results* results) noexcept {
  return results->list.size();
}

const cinch_build_result* cinch_build_results_at(const cinch_build_results* results,
                                                 size_t index) noexcept {
  return index < results->list.size() ? &results->list[index] : nullptr;
}

void cinch_build_results_free(cinch_build_results* results) noexcept { delete results; }

uint32_t cinch_build_result_status(const cinch_build_result* result) noexcept {
  return static_cast<uint32_t>(result->result.status);
}

bool cinch_build_result_succeeded(const cinch_build_result* result) noexcept {
  return result->result.succeeded();
}

cinch_str cinch_build_result_message(const cinch_build_result* result) noexcept {
  return lend(result->result.error_message);
}

const cinch_outputs* cinch_build_result_outputs(const cinch_build_result* result) noexcept {
  return &result->outputs;
}

int64_t cinch_build_result_start_unix_seconds(const cinch_build_result* result) noexcept {
  return result->result.start_time;
}

int64_t cinch_build_result_stop_unix_seconds(const cinch_build_result* result) noexcept {
  return result->result.stop_time;
}

cinch_str cinch_build_status_name(uint32_t status) noexcept {
  if (status > CINCH_BUILD_NO_SUBSTITUTERS) return lend("unknown");
  return lend(cinch::to_string(static_cast<BuildStatus>(status)));
}

}  // extern "C"
