#include "client/activities.hh"
#include "client/derivation_file.hh"
#include "client/pool.hh"
#include "client/realisation_order.hh"
#include "wire/framed.hh"
#include "wire/values.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>
#include <cinch/core/nar.hh>
#include <cinch/remote/daemon_client.hh>

#include <algorithm>
#include <mutex>
#include <utility>

namespace cinch {

DaemonClient::~DaemonClient() = default;

namespace {

using wire::Decoder;
using wire::Dialect;
using wire::Encoder;
using wire::Operation;

// So many small requests are sent before the first reply is read: few enough that they always fit
// into the socket's buffers, as the daemon may not read on before we read its replies.
constexpr std::size_t requests_in_flight_max = 256;

class PooledClient final : public DaemonClient {
 public:
  explicit PooledClient(DaemonClientOptions options);

  std::string daemon_version() override { return (*pool_.acquire()).daemon_version(); }
  const StoreDir& store_dir() const override { return options_.store_dir; }
  std::string url() const override { return options_.url; }

  std::vector<std::optional<PathInfo>> find(std::span<const StorePath> paths) override;
  StorePathSet find_valid(const StorePathSet& paths) override;
  std::optional<StorePath> find_by_hash_part(std::string_view hash_part) override;
  StorePathSet all_valid_paths() override;
  std::vector<StorePathSet> find_referrers(std::span<const StorePath> paths) override;
  std::vector<StorePathSet> find_derivers(std::span<const StorePath> paths) override;
  void read_nar(const StorePath& path, Sink& sink, std::stop_token stop) override;
  std::vector<Derivation> read_derivations(std::span<const StorePath> paths) override;

  void add_nar(const PathInfo& info, Source& nar, SignaturePolicy policy,
               std::stop_token stop) override;
  PathInfo add_content(const AddContent& options, Source& content, std::stop_token stop) override;
  void add_signatures(const StorePath& path, const std::set<Signature>& signatures) override;
  void add_temporary_roots(std::span<const StorePath> paths) override;
  void add_indirect_root(std::string_view link) override;
  OptimiseReport optimise(const MaintenanceListener& listener, std::stop_token stop) override;
  VerifyReport verify(const VerifyOptions& options, const MaintenanceListener& listener,
                      std::stop_token stop) override;

  RealisationForms realisation_forms() override;
  std::vector<std::optional<Realisation>> find_realisations(
      std::span<const RealisationKey> keys) override;
  std::vector<std::optional<HashedRealisation>> find_hashed_realisations(
      std::span<const HashedRealisationKey> keys) override;
  void register_realisations(std::span<const Realisation> realisations,
                             SignaturePolicy policy) override;
  void register_hashed_realisations(std::span<const HashedRealisation> realisations,
                                    SignaturePolicy policy) override;

  std::vector<BuildResult> realise(std::span<const DerivingPath> wanted,
                                   const RealiseOptions& options, EventSink& events,
                                   std::stop_token stop) override;
  MissingPlan plan(std::span<const DerivingPath> wanted) override;

 private:
  template <class Use>
  auto with_connection(const std::stop_token& stop, Use&& use);
  template <class Write, class Read>
  auto call(Operation operation, Write&& write, Read&& read);
  template <class Read>
  auto call_for_each(Operation operation, std::span<const StorePath> paths, Read&& read);
  template <class Item, class Write, class Read>
  auto call_for_each(Operation operation, std::span<const Item> items, Write&& write, Read&& read);
  [[noreturn]] void throw_invalid(const StorePath& path) const;
  void restore_roots(Connection& connection);
  void end_builds(const ActivityReader& activities, std::span<const BuildResult> results,
                  EventSink& events);

  const DaemonClientOptions options_;
  ConnectionPool pool_;
  std::mutex roots_mutex_;
  StorePathSet roots_;             // what add_temporary_roots() got
  std::uint64_t roots_as_of_ = 0;  // pool_.losses() when the daemon knew all of them
};

DaemonClientOptions with_url(DaemonClientOptions options) {
  if (options.url.empty()) options.url = "unix://" + options.socket;
  return options;
}

PooledClient::PooledClient(DaemonClientOptions options)
    : options_(with_url(std::move(options))), pool_(options_) {
  pool_.acquire();  // tells at once whether there is a daemon
}

// Runs `use` with a connection; a stop request breaks the connection and throws Code::cancelled.
template <class Use>
auto PooledClient::with_connection(const std::stop_token& stop, Use&& use) {
  check_cancelled(stop);
  ConnectionPool::Lease lease = pool_.acquire();
  Connection& connection = *lease;
  const std::stop_callback on_stop(stop, [&connection] { connection.shutdown(); });
  try {
    restore_roots(connection);
    return use(connection);
  } catch (Error& error) {
    check_cancelled(stop);
    if (!connection.is_idle()) error.set_subject_if_empty(options_.url);
    throw;
  }
}

// One request and its reply.
template <class Write, class Read>
auto PooledClient::call(Operation operation, Write&& write, Read&& read) {
  return with_connection({}, [&](Connection& connection) {
    connection.begin(operation);
    write(connection.out(), connection.dialect());
    connection.send();
    connection.wait_for_reply();
    auto reply = read(connection.in(), connection.dialect());
    connection.end();
    return reply;
  });
}

// The same request for each item, many of them on their way at a time.
template <class Item, class Write, class Read>
auto ask_for_each(Connection& connection, Operation operation, std::span<const Item> items,
                  Write&& write, Read&& read) {
  std::vector<decltype(read(connection.in(), connection.dialect(), items.front()))> replies;
  replies.reserve(items.size());
  while (!items.empty()) {
    const auto batch = items.first(std::min(items.size(), requests_in_flight_max));
    items = items.subspan(batch.size());
    for (const Item& item : batch) {
      connection.begin(operation);
      write(connection.out(), connection.dialect(), item);
    }
    connection.send();
    for (const Item& item : batch) {
      connection.wait_for_reply();
      replies.push_back(read(connection.in(), connection.dialect(), item));
      connection.end();
    }
  }
  return replies;
}

template <class Item, class Write, class Read>
auto PooledClient::call_for_each(Operation operation, std::span<const Item> items, Write&& write,
                                 Read&& read) {
  return with_connection({}, [&](Connection& connection) {
    return ask_for_each(connection, operation, items, write, read);
  });
}

template <class Read>
auto PooledClient::call_for_each(Operation operation, std::span<const StorePath> paths,
                                 Read&& read) {
  return call_for_each(operation, paths, wire::write_path, std::forward<Read>(read));
}

std::vector<std::optional<PathInfo>> PooledClient::find(std::span<const StorePath> paths) {
  if (paths.empty()) return {};
  return call_for_each(
      Operation::query_path_info, paths,
      [](Decoder& in, const Dialect& dialect, const StorePath& path) -> std::optional<PathInfo> {
        if (!in.flag()) return std::nullopt;
        return wire::read_path_info(in, dialect, path);
      });
}

StorePathSet PooledClient::find_valid(const StorePathSet& paths) {
  if (paths.empty()) return {};
  return call(
      Operation::query_valid_paths,
      [&](Encoder& out, const Dialect& dialect) {
        wire::write_paths(out, dialect, paths);
        if (dialect.minor >= wire::since_substitute_flag) out.flag(false);
      },
      wire::read_paths);
}

std::optional<StorePath> PooledClient::find_by_hash_part(std::string_view hash_part) {
  return call(
      Operation::query_path_from_hash_part,
      [&](Encoder& out, const Dialect&) { out.text(hash_part); }, wire::read_optional_path);
}

StorePathSet PooledClient::all_valid_paths() {
  return call(
      Operation::query_all_valid_paths, [](Encoder&, const Dialect&) {}, wire::read_paths);
}

StorePathSet read_path_set(Decoder& in, const Dialect& dialect, const StorePath&) {
  return wire::read_paths(in, dialect);
}

std::vector<StorePathSet> PooledClient::find_referrers(std::span<const StorePath> paths) {
  if (paths.empty()) return {};
  return call_for_each(Operation::query_referrers, paths, read_path_set);
}

std::vector<StorePathSet> PooledClient::find_derivers(std::span<const StorePath> paths) {
  if (paths.empty()) return {};
  return call_for_each(Operation::query_valid_derivers, paths, read_path_set);
}

// Nix's daemon begins its reply before it looks for the path, and then has no way to say that there
// is none. So the same message asks whether the path is valid.
void PooledClient::read_nar(const StorePath& path, Sink& sink, std::stop_token stop) {
  with_connection(stop, [&](Connection& connection) {
    for (const Operation operation : {Operation::is_valid_path, Operation::nar_from_path}) {
      connection.begin(operation);
      wire::write_path(connection.out(), connection.dialect(), path);
    }
    connection.send();
    connection.wait_for_reply();
    if (!connection.in().flag()) throw_invalid(path);
    connection.end();
    connection.wait_for_reply();
    copy_nar(connection.in(), sink);
    connection.end();
  });
}

std::vector<Derivation> PooledClient::read_derivations(std::span<const StorePath> paths) {
  if (paths.empty()) return {};
  const StorePathSet valid = find_valid({paths.begin(), paths.end()});
  for (const StorePath& path : paths) {
    if (!valid.contains(path)) throw_invalid(path);
  }
  return call_for_each(Operation::nar_from_path, paths,
                       [](Decoder& in, const Dialect& dialect, const StorePath& path) {
                         return read_derivation_nar(in, path, dialect.store_dir);
                       });
}

void PooledClient::throw_invalid(const StorePath& path) const {
  throw Error(Code::not_found, "path '" + store_dir().print(path) + "' is not valid")
      .about(options_.url);
}

// Where frames go: before each one it listens whether the daemon has refused the stream already.
class ListeningSink final : public Sink {
 public:
  explicit ListeningSink(Connection& connection) : connection_(connection) {}
  ~ListeningSink() override = default;
  void write(Bytes frame) override {
    while (connection_.has_message()) read_message();
    connection_.raw_out().write(frame);
  }

 private:
  void read_message() {
    const wire::Message message = wire::read_message(connection_.in());
    if (std::holds_alternative<wire::WorkDone>(message)) {
      throw Error(Code::protocol, "the daemon replied before it had the whole stream");
    }
    const auto* failure = std::get_if<wire::Failure>(&message);
    if (!failure) return;
    wire::Encoder end_of_frames;
    end_of_frames.number(0);
    connection_.raw_out().write(end_of_frames.bytes());  // both sides stay in step
    connection_.end();
    throw wire::to_error(*failure);
  }

  Connection& connection_;
};

void PooledClient::add_nar(const PathInfo& info, Source& nar, SignaturePolicy policy,
                           std::stop_token stop) {
  with_connection(stop, [&](Connection& connection) {
    connection.begin(Operation::add_to_store_nar);
    wire::write_path(connection.out(), connection.dialect(), info.path);
    wire::write_path_info(connection.out(), connection.dialect(), info);
    connection.out().flag(false);  // do not repair
    connection.out().flag(policy == SignaturePolicy::accept_unsigned);
    connection.send();
    ListeningSink listening(connection);
    wire::FramedSink frames(listening);
    copy_nar(nar, frames);
    frames.finish();
    connection.wait_for_reply();
    connection.end();
  });
}

PathInfo PooledClient::add_content(const AddContent& options, Source& content,
                                   std::stop_token stop) {
  return with_connection(stop, [&](Connection& connection) {
    connection.begin(Operation::add_to_store);
    connection.out().text(options.name);
    connection.out().text(wire::print_add_method(options.method, options.algorithm));
    wire::write_paths(connection.out(), connection.dialect(), options.references);
    connection.out().flag(false);  // do not repair
    connection.send();
    ListeningSink listening(connection);
    wire::FramedSink frames(listening);
    copy_stream(content, frames);
    frames.finish();
    connection.wait_for_reply();
    StorePath path = wire::read_path(connection.in(), connection.dialect());
    PathInfo info = wire::read_path_info(connection.in(), connection.dialect(), std::move(path));
    connection.end();
    return info;
  });
}

std::uint64_t read_one(Decoder& in, const Dialect&) { return in.number(); }

void PooledClient::add_signatures(const StorePath& path, const std::set<Signature>& signatures) {
  call(
      Operation::add_signatures,
      [&](Encoder& out, const Dialect& dialect) {
        wire::write_path(out, dialect, path);
        wire::write_signatures(out, signatures);
      },
      read_one);
}

void PooledClient::add_temporary_roots(std::span<const StorePath> paths) {
  if (paths.empty()) return;
  {
    // First, so that whoever makes the roots again meanwhile makes these, too.
    const std::lock_guard lock(roots_mutex_);
    roots_.insert(paths.begin(), paths.end());
  }
  call_for_each(Operation::add_temp_root, paths,
                [](Decoder& in, const Dialect&, const StorePath&) { return in.number(); });
}

// A daemon keeps temporary roots for as long as the connection lives that made them. Connections
// stay in the pool until they break; then whatever is asked next makes the roots of all again.
void PooledClient::restore_roots(Connection& connection) {
  const std::uint64_t losses = pool_.losses();
  std::vector<StorePath> roots;
  {
    const std::lock_guard lock(roots_mutex_);
    if (losses == roots_as_of_) return;
    roots.assign(roots_.begin(), roots_.end());
  }
  ask_for_each(connection, Operation::add_temp_root, std::span<const StorePath>(roots),
               wire::write_path,
               [](Decoder& in, const Dialect&, const StorePath&) { return in.number(); });
  const std::lock_guard lock(roots_mutex_);
  roots_as_of_ = std::max(roots_as_of_, losses);
}

void PooledClient::add_indirect_root(std::string_view link) {
  call(
      Operation::add_indirect_root, [&](Encoder& out, const Dialect&) { out.text(link); },
      read_one);
}

// Takes the lines that a daemon says during an operation.
auto collect_lines(std::vector<std::string>& lines) {
  return [&lines](const wire::Message& message) {
    const auto* log = std::get_if<wire::LogText>(&message);
    if (!log) return;
    std::string text = log->text;
    while (text.ends_with('\n')) text.pop_back();
    lines.push_back(std::move(text));
  };
}

OptimiseReport PooledClient::optimise(const MaintenanceListener&, std::stop_token stop) {
  return with_connection(stop, [](Connection& connection) {
    OptimiseReport report;
    connection.begin(Operation::optimise_store);
    connection.send();
    connection.wait_for_reply(collect_lines(report.messages));
    connection.in().number();
    connection.end();
    return report;
  });
}

VerifyReport PooledClient::verify(const VerifyOptions& options, const MaintenanceListener&,
                                  std::stop_token stop) {
  // What the protocol has no words for. A daemon always forgets what is gone and not needed.
  if (options.only || !options.forget_gone || options.source || options.bytes_per_second_max != 0 ||
      options.intact_since) {
    throw Error(
        Code::not_supported,
        "through a daemon, only whole stores can be verified, and what is gone is forgotten")
        .about(options_.url);
  }
  return with_connection(stop, [&](Connection& connection) {
    VerifyReport report;
    connection.begin(Operation::verify_store);
    connection.out().flag(options.check_contents);
    connection.out().flag(options.repair);
    connection.send();
    connection.wait_for_reply(collect_lines(report.messages));
    report.other_problems = connection.in().flag();
    connection.end();
    return report;
  });
}

RealisationForms PooledClient::realisation_forms() {
  const Dialect dialect = (*pool_.acquire()).dialect();
  return {.by_path = dialect.realisation_with_path,
          .by_hash = !dialect.realisation_with_path &&
                     dialect.minor >= wire::since_realisation_operations};
}

[[noreturn]] void refuse_form(const DaemonClientOptions& options, const char* form) {
  throw Error(Code::not_supported,
              std::string("the daemon keeps no realisations that name derivations by ") + form)
      .about(options.url);
}

std::vector<std::optional<Realisation>> PooledClient::find_realisations(
    std::span<const RealisationKey> keys) {
  if (keys.empty()) return {};
  if (!realisation_forms().by_path) refuse_form(options_, "path");
  return call_for_each(Operation::query_realisation, keys, wire::write_realisation_key,
                       [](Decoder& in, const Dialect& dialect,
                          const RealisationKey& key) -> std::optional<Realisation> {
                         if (!in.flag()) return std::nullopt;
                         return wire::read_realisation_value(in, dialect, key);
                       });
}

// Of a daemon before 1.31, the path alone.
HashedRealisation read_answer(Decoder& in, const Dialect& dialect,
                              const HashedRealisationKey& key) {
  if (dialect.minor >= wire::since_realisation_values) {
    return wire::read_hashed_realisation(in, dialect);
  }
  return {.key = key, .path = wire::read_path(in, dialect), .signatures = {}, .dependencies = {}};
}

std::optional<HashedRealisation> read_found(Decoder& in, const Dialect& dialect,
                                            const HashedRealisationKey& key) {
  std::optional<HashedRealisation> found;
  for (std::uint64_t left = in.count(wire::list_count_max); left > 0; --left) {
    HashedRealisation next = read_answer(in, dialect, key);
    if (next.key != key) {
      throw Error(Code::protocol, "the daemon answered with the realisation of something else")
          .about(next.key.to_string());
    }
    if (!found) found = std::move(next);
  }
  return found;
}

std::vector<std::optional<HashedRealisation>> PooledClient::find_hashed_realisations(
    std::span<const HashedRealisationKey> keys) {
  if (keys.empty()) return {};
  if (!realisation_forms().by_hash) refuse_form(options_, "hash");
  return call_for_each(
      Operation::query_realisation, keys,
      [](Encoder& out, const Dialect&, const HashedRealisationKey& key) {
        wire::write_hashed_key(out, key);
      },
      read_found);
}

void PooledClient::register_realisations(std::span<const Realisation> realisations,
                                         SignaturePolicy) {
  if (realisations.empty()) return;
  if (!realisation_forms().by_path) refuse_form(options_, "path");
  call_for_each(Operation::register_derivation_output, realisations, wire::write_realisation,
                [](Decoder&, const Dialect&, const Realisation&) { return 0; });
}

void PooledClient::register_hashed_realisations(std::span<const HashedRealisation> realisations,
                                                SignaturePolicy) {
  if (realisations.empty()) return;
  if (!realisation_forms().by_hash) refuse_form(options_, "hash");
  // A daemon takes one at a time, and knows what it depends on.
  const auto order = dependencies_first(realisations);
  call_for_each(
      Operation::register_derivation_output, std::span(order),
      [](Encoder& out, const Dialect& dialect, const HashedRealisation* one) {
        wire::write_hashed_realisation(out, dialect, *one);
      },
      [](Decoder&, const Dialect&, const HashedRealisation*) { return 0; });
}

// The results in the order of the request. A daemon leaves out what it never began.
std::vector<BuildResult> in_order(std::span<const DerivingPath> wanted,
                                  std::vector<BuildResult> results) {
  std::map<DerivingPath, BuildResult> by_path;
  for (BuildResult& result : results) by_path.insert_or_assign(result.wanted, std::move(result));
  std::vector<BuildResult> ordered;
  for (const DerivingPath& path : wanted) {
    const auto found = by_path.find(path);
    if (found != by_path.end()) {
      ordered.push_back(found->second);
      continue;
    }
    BuildResult missing{.wanted = path, .status = BuildStatus::dependency_failed};
    missing.error_message = "not tried, because something else failed before";
    ordered.push_back(std::move(missing));
  }
  return ordered;
}

std::vector<BuildResult> read_results(Connection& connection) {
  std::vector<BuildResult> results;
  for (std::uint64_t left = connection.in().count(wire::list_count_max); left > 0; --left) {
    DerivingPath path = wire::read_deriving_path(connection.in(), connection.dialect());
    results.push_back(
        wire::read_build_result(connection.in(), connection.dialect(), std::move(path)));
  }
  return results;
}

void write_wanted(Encoder& out, const Dialect& dialect, std::span<const DerivingPath> wanted) {
  out.number(wanted.size());
  for (const DerivingPath& path : wanted) wire::write_deriving_path(out, dialect, path);
}

std::vector<BuildResult> PooledClient::realise(std::span<const DerivingPath> wanted,
                                               const RealiseOptions& options, EventSink& events,
                                               std::stop_token stop) {
  if (wanted.empty()) return {};
  Dialect dialect;
  ActivityReader activities(dialect, events);
  std::vector<BuildResult> results = with_connection(stop, [&](Connection& connection) {
    dialect = connection.dialect();
    if (dialect.minor < wire::since_build_results) {
      throw Error(Code::not_supported, "the daemon is too old: it cannot tell how builds ended")
          .about(options_.url)
          .hint("use a daemon with protocol version 1.34 or newer");
    }
    connection.ask_to_keep_going(options.keep_going);
    connection.begin(Operation::build_paths_with_results);
    write_wanted(connection.out(), dialect, wanted);
    connection.out().number(static_cast<std::uint64_t>(options.mode));
    connection.send();
    connection.wait_for_reply([&](const wire::Message& message) { activities.handle(message); });
    std::vector<BuildResult> ordered = in_order(wanted, read_results(connection));
    connection.end();
    return ordered;
  });
  activities.finish();
  end_builds(activities, results, events);
  return results;
}

std::optional<BuildResult> result_of(const StorePath& derivation,
                                     std::span<const BuildResult> results) {
  for (const BuildResult& result : results) {
    const auto* built = std::get_if<BuiltPath>(&result.wanted);
    if (built && built->derivation == derivation) return result;
  }
  return std::nullopt;
}

// Nix's daemon does not say how a build ended. The results say it for what was asked for; anything
// else succeeded if its outputs are there.
void PooledClient::end_builds(const ActivityReader& activities,
                              std::span<const BuildResult> results, EventSink& events) {
  if (activities.open_ends().empty()) return;
  std::vector<StorePath> paths;
  for (const auto& end : activities.open_ends()) paths.push_back(end.derivation);
  const std::vector<Derivation> derivations = read_derivations(paths);
  StorePathSet outputs;
  for (const Derivation& derivation : derivations) {
    for (const auto& [name, path] : derivation.output_paths(store_dir())) {
      if (path) outputs.insert(*path);
    }
  }
  const StorePathSet valid = find_valid(outputs);
  for (std::size_t index = 0; index < paths.size(); ++index) {
    const auto known = result_of(paths[index], results);
    bool complete = true;
    for (const auto& [name, path] : derivations[index].output_paths(store_dir())) {
      complete = complete && path && valid.contains(*path);
    }
    const BuildStatus status = known      ? known->status
                               : complete ? BuildStatus::built
                                          : BuildStatus::misc_failure;
    events.emit(BuildFinishedEvent{.derivation = paths[index],
                                   .status = status,
                                   .error_message = known ? known->error_message : std::string(),
                                   .duration_ms = activities.open_ends()[index].duration_ms});
  }
}

MissingPlan PooledClient::plan(std::span<const DerivingPath> wanted) {
  return call(
      Operation::query_missing,
      [&](Encoder& out, const Dialect& dialect) { write_wanted(out, dialect, wanted); },
      wire::read_missing_plan);
}

}  // namespace

std::unique_ptr<DaemonClient> DaemonClient::connect(const DaemonClientOptions& options) {
  return std::make_unique<PooledClient>(options);
}

}  // namespace cinch
