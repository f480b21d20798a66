#include "server/handlers.hh"
#include "server/with_events.hh"
#include "wire/values.hh"

#include <algorithm>
#include <vector>

namespace cinch::handlers {
namespace {

struct BuildRequestArguments {
  std::vector<DerivingPath> wanted;
  BuildMode mode;
};

BuildRequestArguments read_arguments(Session& session) {
  std::vector<DerivingPath> wanted = wire::read_deriving_paths(session.in, session.dialect);
  return {.wanted = std::move(wanted), .mode = wire::read_build_mode(session.in)};
}

std::vector<BuildResult> build(Session& session, const BuildRequestArguments& arguments) {
  if (arguments.mode == BuildMode::repair && !session.trusted) {
    throw Error(Code::not_trusted, "only trusted users may repair paths");
  }
  return with_events(session, [&](EventSink& events, const std::stop_token& stop) {
    return session.realiser.realise(
        arguments.wanted, {.mode = arguments.mode, .keep_going = session.keep_going}, events, stop);
  });
}

// One error out of all that failed, for clients that get no results.
void check_results(const std::vector<BuildResult>& results) {
  std::vector<std::string> messages;
  Code code = Code::build_failed;
  for (const BuildResult& result : results) {
    if (result.succeeded()) continue;
    if (result.status == BuildStatus::timed_out) code = Code::timed_out;
    if (std::find(messages.begin(), messages.end(), result.error_message) == messages.end()) {
      messages.push_back(result.error_message);
    }
  }
  if (messages.empty()) return;
  std::string all;
  for (const std::string& message : messages) all += (all.empty() ? "" : "\n") + message;
  throw Error(code, std::move(all));
}

}  // namespace

// Only what cannot harm other clients is taken over; the rest is the daemon's own business.
void set_options(Session& session) {
  session.in.flag();  // keep failed builds
  const bool keep_going = session.in.flag();
  session.in.flag();  // build where substitution fails
  const std::uint64_t verbosity = session.in.number();
  session.in.number();  // jobs
  session.in.number();  // seconds of silence
  session.in.number();  // obsolete: use the build hook
  session.in.number();  // verbosity of builds
  session.in.number();  // obsolete: log type
  session.in.number();  // obsolete: print build trace
  session.in.number();  // cores
  session.in.flag();    // substitute
  for (std::uint64_t left = session.in.count(wire::override_count_max); left > 0; --left) {
    session.in.text(wire::name_bytes_max);
    session.in.text(wire::text_bytes_max);
  }
  session.work([&] {
    session.keep_going = keep_going;
    session.verbosity =
        static_cast<Verbosity>(std::min(verbosity, static_cast<std::uint64_t>(Verbosity::vomit)));
  });
}

void build_paths(Session& session) {
  const BuildRequestArguments arguments = read_arguments(session);
  session.work([&] { check_results(build(session, arguments)); });
  session.out.number(1);
}

void build_paths_with_results(Session& session) {
  const BuildRequestArguments arguments = read_arguments(session);
  const std::vector<BuildResult> results = session.work([&] { return build(session, arguments); });
  session.out.number(results.size());
  for (const BuildResult& result : results) {
    wire::write_deriving_path(session.out, session.dialect, result.wanted);
    wire::write_build_result(session.out, session.dialect, result);
  }
}

void ensure_path(Session& session) {
  const StorePath path = wire::read_path(session.in, session.dialect);
  session.work([&] {
    if (session.store.is_valid(path)) return;
    check_results(build(session, {.wanted = {OpaquePath{path}}, .mode = BuildMode::normal}));
  });
  session.out.number(1);
}

void query_missing(Session& session) {
  const auto wanted = wire::read_deriving_paths(session.in, session.dialect);
  const MissingPlan plan = session.work([&] { return session.realiser.plan(wanted); });
  wire::write_missing_plan(session.out, session.dialect, plan);
}

void build_derivation(Session& session) {
  wire::read_path(session.in, session.dialect);
  constexpr int texts_of_output = 4;  // name, path, algorithm, hash
  for (std::uint64_t left = session.in.count(wire::list_count_max); left > 0; --left) {
    for (int text = 0; text < texts_of_output; ++text) session.in.text(wire::name_bytes_max);
  }
  wire::read_paths(session.in, session.dialect);  // input sources
  session.in.text(wire::name_bytes_max);          // platform
  session.in.text(wire::text_bytes_max);          // builder
  wire::read_texts(session.in, wire::text_bytes_max);
  for (std::uint64_t left = session.in.count(wire::list_count_max); left > 0; --left) {
    session.in.text(wire::text_bytes_max);
    session.in.text(wire::text_bytes_max);
  }
  wire::read_build_mode(session.in);
  session.work([] {
    throw Error(Code::not_supported, "this daemon builds only derivations that are in its store")
        .hint("add the derivation to the store and build its path");
  });
}

}  // namespace cinch::handlers
