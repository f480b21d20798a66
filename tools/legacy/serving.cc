// nix-store --serve.
#include "store_call.hh"

#include <cinch/build/make_realiser.hh>
#include <cinch/files/file_spool.hh>
#include <cinch/remote/serve_pipe.hh>

#include <unistd.h>

namespace cinch::cli {

namespace {

// What builders print goes to standard error as it is, and nothing else: whoever has things built
// takes it for the log.
class LogLines final : public EventSink {
 public:
  explicit LogLines(Console& console) : console_(console) {}
  ~LogLines() override = default;
  void emit(const Event& event) override {
    if (const auto* line = std::get_if<BuildLogEvent>(&event)) {
      console_.message(Verbosity::error, line->line);
    }
  }

 private:
  Console& console_;
};

int run_serve(StoreCall& call) {
  call.allow_flags({"--write"});
  call.allow_arguments(0, "no arguments expected");
  const std::stop_token stop = call.stop();
  const std::string temporary = call.context.variable("TMPDIR");
  LogLines events(call.context.console);
  const ServeOptions options{
      .write_allowed = call.has("--write"),
      .settings = call.context.settings,
      .make_realiser = make_realiser,
      .make_spool =
          [&] { return std::make_unique<FileSpool>(temporary.empty() ? "/tmp" : temporary); },
      .events = events};
  serve_pipe(call.store(), {.input = STDIN_FILENO, .output = STDOUT_FILENO}, options, stop);
  return 0;
}

constexpr StoreOperation table[] = {{"--serve", run_serve}};

}  // namespace

constinit const std::span<const StoreOperation> serving_operations = table;

}  // namespace cinch::cli
