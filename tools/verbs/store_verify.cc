// store verify.
#include "../context.hh"
#include "../installable.hh"
#include "../verbs.hh"

#include <cinch/core/closure.hh>
#include <cinch/core/error.hh>
#include <cinch/files/parallel.hh>

#include <atomic>
#include <charconv>

namespace cinch::cli {

namespace {

// Bits of the exit status, as Nix sets them.
constexpr int exit_corrupt = 1;
constexpr int exit_untrusted = 2;
constexpr int exit_failed = 4;

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

std::size_t signatures_needed(const Context& context) {
  const auto text = context.arguments.value("--sigs-needed");
  if (!text) return 1;
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size()) {
    context.refuse("--sigs-needed takes a number, not '" + *text + "'");
  }
  return number;
}

int run_verify(Context& context) {
  const std::stop_token stop = context.interruption.begin();
  const Checks checks{.contents = !context.has("--no-contents"),
                      .trust = !context.has("--no-trust"),
                      .signatures_min = signatures_needed(context)};
  const std::unique_ptr<Store> store = context.open_store();
  StorePathSet paths = installable_paths(*store, context.arguments.positional());
  const bool all = context.has("--all") || context.arguments.positional().empty();
  if (all) paths.merge(store->all_valid_paths());
  if (context.has("--recursive")) {
    for (const auto& [path, info] : compute_closure(*store, paths)) paths.insert(path);
  }
  const std::vector<StorePath> asked(paths.begin(), paths.end());
  std::vector<PathInfo> infos;
  int status = 0;
  const std::vector<std::optional<PathInfo>> found = store->find(asked);
  for (std::size_t at = 0; at < asked.size(); ++at) {
    if (found[at]) {
      infos.push_back(*found[at]);
      continue;
    }
    context.console.error("path '" + store->store_dir().print(asked[at]) + "' is not valid");
    status |= exit_failed;
  }
  return status | Verifier(context, *store, checks, stop).run(infos);
}

constexpr Option options[] = {
    {"--all", "", "verify every valid path; so does naming none"},
    {"-r,--recursive", "", "verify the closures of the paths"},
    {"--no-contents", "", "do not hash the objects"},
    {"--no-trust", "", "do not check signatures"},
    {"-n,--sigs-needed", "NUMBER", "how many trusted keys must have signed each path"},
};

constexpr Verb table[] = {
    {"store verify", "Check that store objects are intact and trusted", "[PATH...]", 0, any_number,
     "An object is intact if its NAR has the registered hash; it is trusted if it was built here, "
     "is content-addressed, or is signed by a trusted key. The exit status is a sum: 1 something "
     "is modified or gone, 2 something is untrusted, 4 something could not be checked.",
     "cinch store verify --no-trust --all", options, run_verify},
};

}  // namespace

constinit const std::span<const Verb> store_verify_verbs = table;

}  // namespace cinch::cli
