#include "console.hh"

#include "json_text.hh"
#include "terminal_text.hh"

#include <cerrno>
#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

namespace cinch::cli {

namespace {

// The terminal need not be told more often than eyes can see.
constexpr std::chrono::milliseconds redraw_interval{50};

constexpr unsigned columns_if_unknown = 80;

// Numbers of Nix's internal-json log format.
constexpr int activity_builds = 104;
constexpr int activity_build = 105;
constexpr int result_build_log_line = 101;
constexpr int result_progress = 105;
constexpr std::uint64_t builds_activity = 1;

std::string_view derivation_name(const StorePath& path) {
  std::string_view name = path.name();
  if (path.is_derivation()) name.remove_suffix(std::string_view(".drv").size());
  return name;
}

}  // namespace

Console::~Console() = default;

void Console::configure(ConsoleOptions options) {
  const std::lock_guard lock(mutex_);
  options_ = std::move(options);
}

void Console::message(Verbosity level, std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (level > options_.verbosity) return;
  if (options_.format == LogFormat::internal_json) return put_json_message(level, text);
  // Daemons colour what they say, whoever listens.
  const std::string clean = printable_lines(text);
  constexpr std::string_view warning = "warning:";
  if (level == Verbosity::warn && clean.starts_with(warning)) {
    put_line(painted(style::magenta, warning) + clean.substr(warning.size()));
  } else {
    put_line(clean);
  }
}

void Console::error(const Error& error) {
  std::string text;
  for (auto clause = error.context().rbegin(); clause != error.context().rend(); ++clause) {
    text += *clause + ": ";
  }
  text += error.message();
  const std::string& subject = error.subject();
  const bool name_subject = !subject.empty() && text.find(subject) == std::string::npos;
  if (name_subject || error.offset()) {
    text += " (";
    if (name_subject) text += "'" + subject + "'";
    if (name_subject && error.offset()) text += ", ";
    if (error.offset()) text += "at byte " + std::to_string(*error.offset());
    text += ")";
  }
  this->error(text, error.hint());
}

void Console::error(std::string_view text, std::string_view hint) {
  const std::lock_guard lock(mutex_);
  put_error(text, hint);
}

void Console::emit(const Event& event) {
  std::visit([this](const auto& kind) { handle(kind); }, event);
}

void Console::show_line(std::string text) {
  const std::lock_guard lock(mutex_);
  const bool gone = text.empty();
  line_ = std::move(text);
  if (gone && drawn_) write_all(erasure());
  draw();
}

bool Console::shows_progress() const {
  if (options_.format == LogFormat::internal_json) return true;
  return options_.format == LogFormat::bar && options_.verbosity >= Verbosity::notice;
}

std::uint64_t Console::begin_activity(int type, std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (options_.format != LogFormat::internal_json) return 0;
  const std::uint64_t activity = next_activity_++;
  put_line("@nix {\"action\":\"start\",\"fields\":[],\"id\":" + std::to_string(activity) +
           ",\"level\":3,\"parent\":0,\"text\":" + json_string(text) +
           ",\"type\":" + std::to_string(type) + "}");
  return activity;
}

void Console::progress_activity(std::uint64_t activity, std::uint64_t done,
                                std::uint64_t expected) {
  if (activity == 0) return;
  const std::lock_guard lock(mutex_);
  put_line("@nix {\"action\":\"result\",\"fields\":[" + std::to_string(done) + "," +
           std::to_string(expected) + ",1,0],\"id\":" + std::to_string(activity) +
           ",\"type\":" + std::to_string(result_progress) + "}");
}

void Console::end_activity(std::uint64_t activity) {
  if (activity == 0) return;
  const std::lock_guard lock(mutex_);
  put_line("@nix {\"action\":\"stop\",\"id\":" + std::to_string(activity) + "}");
}

void Console::finish() {
  const std::lock_guard lock(mutex_);
  write_all(erasure());
  line_.clear();
  progress_ = {};
  newest_ = nullptr;
  running_.clear();
  if (builds_started_ && options_.format == LogFormat::internal_json) {
    put_line("@nix {\"action\":\"stop\",\"id\":" + std::to_string(builds_activity) + "}");
    builds_started_ = false;
  }
}

void Console::handle(const MessageEvent& event) { message(event.level, event.text); }

void Console::handle(const BuildStartedEvent& event) {
  const std::lock_guard lock(mutex_);
  Running& running = running_[event.derivation];
  running.activity = next_activity_++;
  const std::string path = options_.store_dir.print(event.derivation);
  const std::string text = "building '" + path + "'";
  if (options_.format == LogFormat::internal_json) {
    put_line("@nix {\"action\":\"start\",\"fields\":[" + json_string(path) +
             ",\"\",1,1],\"id\":" + std::to_string(running.activity) +
             ",\"level\":3,\"parent\":0,\"text\":" + json_string(text) +
             ",\"type\":" + std::to_string(activity_build) + "}");
  } else if (options_.format == LogFormat::raw && options_.verbosity >= Verbosity::notice) {
    put_line(text + "...");
  }
  newest_ = &running_.find(event.derivation)->first;
  draw();
}

void Console::handle(const BuildLogEvent& event) {
  const std::lock_guard lock(mutex_);
  const auto running = running_.find(event.derivation);
  if (options_.format == LogFormat::internal_json) {
    const std::uint64_t activity = running == running_.end() ? 0 : running->second.activity;
    put_line("@nix {\"action\":\"result\",\"fields\":[" + json_string(event.line) + "],\"id\":" +
             std::to_string(activity) + ",\"type\":" + std::to_string(result_build_log_line) + "}");
    return;
  }
  if (running != running_.end()) {
    running->second.last_line = event.line;
    newest_ = &running->first;
  }
  if (options_.build_logs) {
    const std::string name = std::string(derivation_name(event.derivation)) + "> ";
    put_line(painted(style::magenta, name) +
             (options_.terminal ? printable(event.line) : event.line));
  }
  draw();
}

void Console::handle(const BuildFinishedEvent& event) {
  const std::lock_guard lock(mutex_);
  const auto running = running_.find(event.derivation);
  if (running == running_.end()) return;
  if (options_.format == LogFormat::internal_json) {
    put_line("@nix {\"action\":\"stop\",\"id\":" + std::to_string(running->second.activity) + "}");
  }
  running_.erase(running);
  newest_ = running_.empty() ? nullptr : &running_.begin()->first;
  draw();
}

void Console::handle(const BuildProgressEvent& event) {
  const std::lock_guard lock(mutex_);
  progress_ = event;
  if (options_.format == LogFormat::internal_json) {
    const std::string id = std::to_string(builds_activity);
    if (!std::exchange(builds_started_, true)) {
      put_line("@nix {\"action\":\"start\",\"fields\":[],\"id\":" + id +
               ",\"level\":0,\"parent\":0,\"text\":\"\",\"type\":" +
               std::to_string(activity_builds) + "}");
    }
    put_line("@nix {\"action\":\"result\",\"fields\":[" + std::to_string(event.done) + "," +
             std::to_string(event.expected) + "," + std::to_string(event.running) + "," +
             std::to_string(event.failed) + "],\"id\":" + id +
             ",\"type\":" + std::to_string(result_progress) + "}");
    return;
  }
  draw();
}

std::string Console::painted(std::string_view colour, std::string_view text) const {
  if (!options_.colours) return std::string(text);
  return std::string(colour) + std::string(text) + std::string(style::plain);
}

void Console::put_line(std::string_view line) {
  // One write for all of it: nothing flickers, and other programs' lines cannot come between.
  std::string text = erasure();
  text += line;
  text += '\n';
  if (shows_status()) text += status();
  write_all(text);
}

void Console::put_error(std::string_view text, std::string_view hint) {
  if (options_.format == LogFormat::internal_json) {
    std::string whole = "error: " + std::string(text);
    if (!hint.empty()) whole += "\nhint: " + std::string(hint);
    return put_json_message(Verbosity::error, whole);
  }
  // Errors quote builders, daemons and file names.
  put_line(painted(style::red, "error:") + " " + indented(printable_lines(text), 7));
  if (!hint.empty()) {
    put_line(painted(style::magenta, "hint:") + " " + indented(printable_lines(hint), 6));
  }
}

void Console::put_json_message(Verbosity level, std::string_view text) {
  put_line("@nix {\"action\":\"msg\",\"level\":" + std::to_string(static_cast<int>(level)) +
           ",\"msg\":" + json_string(text) + "}");
}

bool Console::shows_status() const {
  if (options_.format != LogFormat::bar) return false;
  if (!line_.empty() && shows_progress()) return true;
  return progress_.expected > 0 || !running_.empty();
}

void Console::draw() {
  if (!shows_status()) return;
  if (drawn_ && std::chrono::steady_clock::now() - drawn_at_ < redraw_interval) return;
  const std::string before = erasure();
  write_all(before + status());
}

std::string Console::erasure() { return std::exchange(drawn_, false) ? "\r\x1b[K" : ""; }

std::string Console::status() {
  drawn_ = true;
  drawn_at_ = std::chrono::steady_clock::now();
  winsize size{};
  const bool known = ioctl(options_.descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  // One column stays free, so that no terminal wraps the line.
  return fitted(status_text(), (known ? size.ws_col : columns_if_unknown) - 1);
}

std::string Console::status_text() const {
  if (!line_.empty()) return printable(line_);
  std::string text = "[" + std::to_string(progress_.done) + "/" +
                     std::to_string(progress_.expected) + " built, " +
                     std::to_string(running_.size()) + " running";
  if (progress_.failed > 0) text += ", " + std::to_string(progress_.failed) + " failed";
  text += "]";
  if (newest_ == nullptr) return text;
  text += " " + std::string(derivation_name(*newest_));
  const std::string& line = running_.find(*newest_)->second.last_line;
  if (!line.empty()) text += "> " + printable(line);
  return text;
}

void Console::write_all(std::string_view text) const {
  // There is nobody left to tell if standard error itself fails.
  while (!text.empty()) {
    const ssize_t written = ::write(options_.descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace cinch::cli
