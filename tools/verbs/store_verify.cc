// store verify.
#include "../context.hh"
#include "../installable.hh"
#include "../maintenance.hh"
#include "../progress_line.hh"
#include "../verbs.hh"

#include <cinch/core/closure.hh>
#include <cinch/core/error.hh>
#include <cinch/files/parallel.hh>

#include <atomic>
#include <charconv>
#include <ctime>
#include <string_view>

namespace cinch::cli {

namespace {

constexpr int exit_untrusted = 2;  // beside those of tell_problems()

// Hashing is bound by memory beyond this many.
constexpr unsigned threads_max = 8;

struct Checks {
  bool contents = true;
  bool trust = true;
  std::size_t signatures_min = 1;
};

// Checks paths from several threads, and keeps the exit status.
class Verifier {
 public:
  Verifier(Context& context, Store& store, Checks checks, std::stop_token stop)
      : context_(context), store_(store), checks_(checks), stop_(std::move(stop)) {}

  int run(const std::vector<PathInfo>& infos) {
    run_parallel(infos.size(), threads_max, [&](std::size_t at) { try_check(infos[at]); });
    return status_;
  }

 private:
  void try_check(const PathInfo& info) try { check(info); } catch (const Error& error) {
    if (error.code() == Code::cancelled) throw;
    context_.console.error(error);
    status_ |= error.code() == Code::corrupt ? exit_corrupt : exit_failed;
  }

  void check(const PathInfo& info) {
    const std::string shown = store_.store_dir().print(info.path);
    context_.console.message(Verbosity::info, "checking '" + shown + "'...");
    if (checks_.contents) check_contents(info, shown);
    if (checks_.trust) check_trust(info, shown);
  }

  void check_contents(const PathInfo& info, const std::string& shown) {
    Hasher hasher(HashAlgorithm::sha256);
    store_.read_nar(info.path, hasher, stop_);
    const Hash found = hasher.finish();
    if (found == info.nar_hash) return;
    status_ |= exit_corrupt;
    context_.console.error("path '" + shown + "' was modified: expected hash '" +
                           info.nar_hash.to_string(HashFormat::sri) + "', got '" +
                           found.to_string(HashFormat::sri) + "'");
  }

  void check_trust(const PathInfo& info, const std::string& shown) {
    const StoreDir& store_dir = store_.store_dir();
    // What was built here, or proves itself, needs no signature unless a number was asked for.
    const bool own = info.ultimate || info.is_content_addressed(store_dir);
    if (own && !context_.has("--sigs-needed")) return;
    const std::vector<Signature> signatures(info.signatures.begin(), info.signatures.end());
    const std::size_t valid = count_valid_signatures(context_.settings.trusted_public_keys,
                                                     info.fingerprint(store_dir), signatures);
    if (valid >= checks_.signatures_min) return;
    status_ |= exit_untrusted;
    context_.console.error("path '" + shown + "' is untrusted: it has " + std::to_string(valid) +
                           " signatures by trusted keys, and needs " +
                           std::to_string(checks_.signatures_min));
  }

  Context& context_;
  Store& store_;
  const Checks checks_;
  const std::stop_token stop_;
  std::atomic<int> status_{0};
};

std::optional<std::uint64_t> number(const Context& context, const char* option,
                                    std::string_view what = "a number") {
  const auto text = context.arguments.value(option);
  if (!text) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size()) {
    context.refuse(std::string(option) + " takes " + std::string(what) + ", not '" + *text + "'");
  }
  return value;
}

// "90s", "15m", "12h", "30d", as a time in the past.
std::optional<std::int64_t> time_before(const Context& context, const char* option) {
  const auto text = context.arguments.value(option);
  if (!text) return std::nullopt;
  constexpr std::int64_t age_max = std::int64_t{100} * 365 * 86'400;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  const std::string_view unit(end, static_cast<std::size_t>(text->data() + text->size() - end));
  const std::int64_t seconds = unit == "s"   ? 1
                               : unit == "m" ? 60
                               : unit == "h" ? 3600
                               : unit == "d" ? 86'400
                                             : 0;
  if (error != std::errc() || seconds == 0 || value < 0 || value > age_max / seconds) {
    context.refuse(std::string(option) + " takes an age such as 12h or 30d, not '" + *text + "'");
  }
  // What is exactly as old counts as older: 0s passes over nothing.
  return std::int64_t{std::time(nullptr)} - value * seconds + 1;
}

// A store whose objects lie on this machine looks after them itself; from any other one they have
// to be read.
bool has_keeper(Store& store) {
  return capability<BuildStore>(store) != nullptr && capability<MaintenanceStore>(store) != nullptr;
}

bool wants_keeper(const Context& context) {
  return context.has("--repair") || context.has("--forget-gone") || context.has("--older-than") ||
         context.has("--rate-limit");
}

int verify_at_hand(Context& context, Store& store, VerifyOptions options) {
  std::unique_ptr<Store> source;
  if (const auto url = context.arguments.value("--from")) {
    source = open_store(*url, context.settings, context.environment);
    options.source = source.get();
  }
  const VerifyReport report =
      verify(context, store, std::move(options), "verifying", context.interruption.begin());
  return tell_problems(context.console, store.store_dir(), report);
}

StorePathSet paths_to_verify(Context& context, Store& store, bool all) {
  StorePathSet paths = installable_paths(store, context.arguments.positional());
  if (all) paths.merge(store.all_valid_paths());
  if (context.has("--recursive")) {
    for (const auto& [path, info] : compute_closure(store, paths)) paths.insert(path);
  }
  return paths;
}

int run_verify(Context& context) {
  const std::stop_token stop = context.interruption.begin();
  Checks checks{.contents = !context.has("--no-contents"),
                .trust = !context.has("--no-trust"),
                .signatures_min = number(context, "--sigs-needed").value_or(1)};
  VerifyOptions options{
      .check_contents = checks.contents,
      .forget_gone = context.has("--forget-gone"),
      .repair = context.has("--repair"),
      .bytes_per_second_max = number(context, "--rate-limit", "a number of bytes").value_or(0),
      .intact_since = time_before(context, "--older-than")};
  if (context.has("--from") && !options.repair) context.refuse("--from needs --repair");
  const std::unique_ptr<Store> store = context.open_store();
  const bool all = context.has("--all") || context.arguments.positional().empty();
  const StorePathSet paths = paths_to_verify(context, *store, all);
  const std::vector<StorePath> asked(paths.begin(), paths.end());
  std::vector<PathInfo> infos;
  StorePathSet valid;
  int status = 0;
  const std::vector<std::optional<PathInfo>> found = store->find(asked);
  for (std::size_t at = 0; at < asked.size(); ++at) {
    if (found[at]) {
      infos.push_back(*found[at]);
      valid.insert(valid.end(), asked[at]);
      continue;
    }
    context.console.error("path '" + store->store_dir().print(asked[at]) + "' is not valid");
    status |= exit_failed;
  }
  if (has_keeper(*store)) {
    if (!all) options.only = std::move(valid);
    status |= verify_at_hand(context, *store, std::move(options));
    checks.contents = false;
  } else if (wants_keeper(context)) {
    throw Error(Code::not_supported,
                "objects of this store can be verified from here, but not repaired or forgotten, "
                "nor is it kept when they were")
        .about(store->url())
        .hint("do it where the store is");
  }
  return status | Verifier(context, *store, checks, stop).run(infos);
}

constexpr Option options[] = {
    {"--all", "", "verify every valid path; so does naming none"},
    {"-r,--recursive", "", "verify the closures of the paths"},
    {"--no-contents", "", "do not hash the objects"},
    {"--no-trust", "", "do not check signatures"},
    {"-n,--sigs-needed", "NUMBER", "how many trusted keys must have signed each path"},
    {"--repair", "",
     "replace what is damaged by what --from has, or build it again; set permissions right"},
    {"--from", "STORE-URL", "with --repair: the store that has whole objects"},
    {"--forget-gone", "", "forget paths whose objects are gone, unless something needs them"},
    {"--older-than", "AGE", "pass over what was found intact since (90s, 15m, 12h, 30d)"},
    {"--rate-limit", "BYTES", "read no more than so many bytes a second"},
};

constexpr Verb table[] = {
    {"store verify", "Check that store objects are intact and trusted", "[PATH...]", 0, any_number,
     "An object is intact if its NAR has the registered hash; it is trusted if it was built here, "
     "is content-addressed, or is signed by a trusted key. Nothing is changed without --repair or "
     "--forget-gone. Whatever is repaired is held against the registered hash first, so --from "
     "need "
     "not be trusted. The exit status is a sum: 1 something is modified or gone, 2 something is "
     "untrusted, 4 something could not be checked.",
     "cinch store verify --no-trust --all\n"
     "cinch store verify --older-than 30d --rate-limit 50000000\n"
     "cinch store verify --repair --from https://cache.nixos.org",
     options, run_verify},
};

}  // namespace

constinit const std::span<const Verb> store_verify_verbs = table;

}  // namespace cinch::cli
