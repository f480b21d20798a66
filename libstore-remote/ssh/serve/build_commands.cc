// A build that fails, or cannot be tried, is an answer; only what breaks the protocol, and a client
// that goes away, end the session.
#include "serve/commands.hh"
#include "serve/derivation_view.hh"
#include "serve/hangup_watch.hh"
#include "serve/values.hh"
#include "wire/basic_derivation.hh"

#include <cinch/core/error.hh>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace cinch::serve::commands {
namespace {

constexpr std::uint64_t success = 0;
constexpr std::uint64_t other_failure = 1;

Settings settings_for(const Session& session, const BuildOptions& options) {
  Settings settings = session.options.settings;
  settings.substitute = false;
  settings.keep_build_log = false;
  settings.max_silent_time = options.max_silent_time;
  settings.timeout = options.timeout;
  if (options.log_bytes_max) settings.max_build_log_size = *options.log_bytes_max;
  if (options.keep_failed) settings.keep_failed = *options.keep_failed;
  return settings;
}

std::vector<BuildResult> build(Session& session, Store& store, std::span<const DerivingPath> wanted,
                               const BuildOptions& options) {
  if (!session.options.make_realiser) {
    throw Error(Code::not_supported, "this server cannot build").about(store.url());
  }
  if (options.repeats > 0) {
    throw Error(Code::not_supported, "this server builds once, and does not repeat it")
        .hint("set build-repeat to 0");
  }
  std::stop_source stop;
  const std::stop_callback on_stop(session.stop, [&stop] { stop.request_stop(); });
  const HangupWatch watch(session.output_descriptor, stop);
  const auto realiser = session.options.make_realiser(store, settings_for(session, options));
  return realiser->realise(wanted, {.keep_going = session.options.settings.keep_going},
                           session.options.events, stop.get_token());
}

// Runs the body; what it throws, but for a stop, is an answer that `answer` makes.
template <class Body, class Answer>
auto run_guarded(Body&& body, Answer&& answer) {
  try {
    return body();
  } catch (const Error& error) {
    if (error.code() == Code::cancelled) throw;
    return answer(error);
  }
}

struct Failure {
  std::uint64_t status;
  std::string message;
};

// Each sentence once.
Failure summarise(Session& session, const std::vector<BuildResult>& results) {
  const auto status = static_cast<std::uint64_t>(build_exit_status(session.store, results));
  std::vector<std::string> sentences;
  std::string message;
  for (const BuildResult& result : results) {
    if (result.succeeded()) continue;
    std::string sentence = describe_failure(result, session.store.store_dir());
    if (std::ranges::find(sentences, sentence) != sentences.end()) continue;
    message += (message.empty() ? "" : "\n") + sentence;
    sentences.push_back(std::move(sentence));
  }
  return {status, std::move(message)};
}

BuildResult build_one(Session& session, const StorePath& path, Derivation derivation,
                      const BuildOptions& options) {
  check_derivation(derivation);
  DerivationView view(session.store, path, std::move(derivation));
  const DerivingPath wanted = BuiltPath{path, AllOutputs{}};
  return build(session, view, {&wanted, 1}, options).at(0);
}

}  // namespace

void build_paths(Session& session) {
  const std::vector<DerivingPath> wanted = wire::read_deriving_paths(session.in, session.dialect);
  const BuildOptions options = read_build_options(session.in, session.minor);
  const Failure failure = run_guarded(
      [&] { return summarise(session, build(session, session.store, wanted, options)); },
      [](const Error& error) {
        return Failure{other_failure, error.what()};
      });
  session.out.number(failure.status);
  if (failure.status != success) session.out.text(failure.message);
}

void build_derivation(Session& session) {
  const StorePath path = wire::read_path(session.in, session.dialect);
  if (!path.is_derivation()) {
    throw Error(Code::protocol, "the path of a derivation must end in '.drv'")
        .about(session.store.store_dir().print(path));
  }
  Derivation derivation = wire::read_basic_derivation(session.in, session.dialect, path);
  const BuildOptions options = read_build_options(session.in, session.minor);
  const BuildResult result =
      run_guarded([&] { return build_one(session, path, std::move(derivation), options); },
                  [&](const Error& error) {
                    return BuildResult{.wanted = BuiltPath{path, AllOutputs{}},
                                       .status = BuildStatus::misc_failure,
                                       .error_message = error.what()};
                  });
  wire::write_build_result(session.out, session.dialect, build_result_form(session.minor), result);
}

}  // namespace cinch::serve::commands
