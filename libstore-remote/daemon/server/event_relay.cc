#include "server/event_relay.hh"

#include <exception>
#include <utility>

namespace cinch {

using wire::Field;

EventRelay::EventRelay(Sink& sink, Options options)
    : sink_(sink), options_(std::move(options)), thread_([this] { run(); }) {}

EventRelay::~EventRelay() { finish(); }

void EventRelay::emit(const Event& event) {
  const std::lock_guard lock(mutex_);
  if (gone_) return;
  if (const auto* message = std::get_if<MessageEvent>(&event)) {
    if (message->level <= options_.verbosity) add(wire::LogText{message->text + "\n"});
  } else if (const auto* start = std::get_if<BuildStartedEvent>(&event)) {
    start_build(start->derivation);
  } else if (const auto* line = std::get_if<BuildLogEvent>(&event)) {
    add_log_line(*line);
  } else if (const auto* end = std::get_if<BuildFinishedEvent>(&event)) {
    finish_build(*end);
  } else if (const auto* numbers = std::get_if<BuildProgressEvent>(&event)) {
    progress(*numbers);
  }
  changed_.notify_one();
}

void EventRelay::finish() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [derivation, id] : builds_) add(wire::StopActivity{id});
    if (builds_activity_ != 0) add(wire::StopActivity{builds_activity_});
    finished_ = true;
    changed_.notify_one();
  }
  thread_.join();
}

void EventRelay::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return finished_ || !pending_.empty(); });
    if (pending_.empty()) return;
    const wire::Encoder batch = std::exchange(pending_, {});
    const std::uint64_t dropped = std::exchange(lines_dropped_, 0);
    if (dropped > 0) {
      add(wire::LogText{std::to_string(dropped) +
                        " lines of build logs were left out, as the client reads too slowly\n"});
    }
    lock.unlock();
    try {
      sink_.write(batch.bytes());
    } catch (const std::exception&) {
      // The connection is lost; the thread that serves it will see that too.
      lock.lock();
      gone_ = true;
      pending_.clear();
      lock.unlock();
      return options_.on_gone();
    }
    lock.lock();
  }
}

void EventRelay::add(const wire::Message& message) { wire::write_message(pending_, message); }

void EventRelay::start_build(const StorePath& derivation) {
  const std::string path = options_.dialect.store_dir.print(derivation);
  const std::uint64_t id = options_.next_activity++;
  builds_.insert_or_assign(derivation, id);
  add(wire::StartActivity{
      .id = id,
      .level = static_cast<std::uint64_t>(Verbosity::info),
      .type = wire::ActivityType::build,
      .text = "building '" + path + "'",
      .fields = {path, std::string(), std::uint64_t{1}, std::uint64_t{1}},  // machine, round, of
      .parent = 0});
}

void EventRelay::add_log_line(const BuildLogEvent& event) {
  const auto build = builds_.find(event.derivation);
  if (build == builds_.end()) return;
  if (pending_.size() + event.line.size() > pending_bytes_max) {
    ++lines_dropped_;
    return;
  }
  add(wire::ActivityResult{build->second, wire::ResultType::build_log_line, {event.line}});
}

void EventRelay::finish_build(const BuildFinishedEvent& event) {
  const auto build = builds_.find(event.derivation);
  if (build == builds_.end()) return;
  if (options_.dialect.build_end) {
    add(wire::ActivityResult{
        build->second,
        wire::ResultType::build_end,
        {static_cast<std::uint64_t>(event.status), event.error_message, event.duration_ms}});
  }
  add(wire::StopActivity{build->second});
  builds_.erase(build);
}

void EventRelay::progress(const BuildProgressEvent& event) {
  add(wire::ActivityResult{builds_activity(),
                           wire::ResultType::progress,
                           {event.done, event.expected, event.running, event.failed}});
}

std::uint64_t EventRelay::builds_activity() {
  if (builds_activity_ == 0) {
    builds_activity_ = options_.next_activity++;
    add(wire::StartActivity{.id = builds_activity_,
                            .level = static_cast<std::uint64_t>(Verbosity::error),
                            .type = wire::ActivityType::builds,
                            .text = {},
                            .fields = {},
                            .parent = 0});
  }
  return builds_activity_;
}

}  // namespace cinch
