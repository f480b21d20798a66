#include "client/activities.hh"

#include <cinch/core/build_result.hh>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace cinch {
namespace {

std::uint64_t number_field(const std::vector<wire::Field>& fields, std::size_t index) {
  if (index >= fields.size()) return 0;
  const auto* number = std::get_if<std::uint64_t>(&fields[index]);
  return number ? *number : 0;
}

std::string text_field(const std::vector<wire::Field>& fields, std::size_t index) {
  if (index >= fields.size()) return {};
  const auto* text = std::get_if<std::string>(&fields[index]);
  return text ? *text : std::string();
}

std::string without_newline(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

std::uint64_t milliseconds_since(std::chrono::steady_clock::time_point start) {
  const auto passed = std::chrono::steady_clock::now() - start;
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(passed).count());
}

}  // namespace

void ActivityReader::handle(const wire::Message& message) {
  if (const auto* text = std::get_if<wire::LogText>(&message)) {
    events_.emit(MessageEvent{Verbosity::info, without_newline(wire::without_colours(text->text))});
  } else if (const auto* activity = std::get_if<wire::StartActivity>(&message)) {
    start(*activity);
  } else if (const auto* end = std::get_if<wire::StopActivity>(&message)) {
    stop(end->id);
  } else if (const auto* news = std::get_if<wire::ActivityResult>(&message)) {
    result(*news);
  }
}

void ActivityReader::start(const wire::StartActivity& activity) {
  if (activity.type != wire::ActivityType::build) return;
  StorePath derivation = dialect_.store_dir.parse(text_field(activity.fields, 0));
  builds_.insert_or_assign(activity.id, Build{derivation, Clock::now()});
  events_.emit(BuildStartedEvent{std::move(derivation)});
}

void ActivityReader::stop(std::uint64_t id) {
  const auto found = builds_.find(id);
  if (found == builds_.end()) return;
  const Build& build = found->second;
  if (!build.ended) open_ends_.push_back({build.derivation, milliseconds_since(build.start)});
  builds_.erase(found);
}

void ActivityReader::result(const wire::ActivityResult& result) {
  if (result.type == wire::ResultType::progress) {
    events_.emit(BuildProgressEvent{.done = number_field(result.fields, 0),
                                    .expected = number_field(result.fields, 1),
                                    .running = number_field(result.fields, 2),
                                    .failed = number_field(result.fields, 3)});
    return;
  }
  const auto found = builds_.find(result.id);
  if (found == builds_.end()) return;
  Build& build = found->second;
  if (result.type == wire::ResultType::build_log_line) {
    events_.emit(BuildLogEvent{build.derivation, without_newline(text_field(result.fields, 0))});
  } else if (result.type == wire::ResultType::build_end && dialect_.build_end) {
    build_end(build, result);
  }
}

void ActivityReader::build_end(Build& build, const wire::ActivityResult& result) {
  const std::uint64_t status = number_field(result.fields, 0);
  if (status > static_cast<std::uint64_t>(BuildStatus::no_substituters)) return;
  build.ended = true;
  events_.emit(BuildFinishedEvent{.derivation = build.derivation,
                                  .status = static_cast<BuildStatus>(status),
                                  .error_message = text_field(result.fields, 1),
                                  .duration_ms = number_field(result.fields, 2)});
}

void ActivityReader::finish() {
  while (!builds_.empty()) stop(builds_.begin()->first);
}

}  // namespace cinch
