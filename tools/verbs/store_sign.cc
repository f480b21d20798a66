// store sign, store copy-sigs.
#include "../context.hh"
#include "../file_content.hh"
#include "../path_selection.hh"
#include "../progress_line.hh"
#include "../verbs.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>
#include <cinch/core/signature.hh>
#include <cinch/local/local_store.hh>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

namespace cinch::cli {

namespace {

constexpr std::uint64_t key_bytes_max = 4096;

SecretKey read_secret_key(const std::string& file) try {
  return parse_secret_key_file(read_whole_file(file, key_bytes_max));
} catch (Error& error) {
  error.add_context("the key file '" + file + "'");
  throw;
}

void tell(Context& context, std::string_view did, std::size_t count) {
  context.console.message(Verbosity::info,
                          std::string(did) + " " + std::to_string(count) + " signatures");
}

using Signatures = std::map<StorePath, std::set<Signature>>;

// Some at a time: each step waits for the disk, and nobody else can write meanwhile.
class SignatureBatch {
 public:
  SignatureBatch(Store& store, std::stop_token stop) : store_(store), stop_(std::move(stop)) {}

  void add(const StorePath& path, std::set<Signature> signatures) {
    count_ += signatures.size();
    if (!signatures.empty()) waiting_.emplace(path, std::move(signatures));
    if (waiting_.size() >= batch_max) flush();
  }
  // How many there were.
  std::size_t finish() {
    flush();
    return count_;
  }

 private:
  static constexpr std::size_t batch_max = 4096;

  void flush() {
    check_cancelled(stop_);
    const Signatures batch = std::exchange(waiting_, {});
    if (auto* local = capability<LocalStore>(store_)) {
      if (!batch.empty()) local->add_signatures_together(batch);
      return;
    }
    for (const auto& [path, signatures] : batch) {
      check_cancelled(stop_);
      store_.add_signatures(path, signatures);
    }
  }

  Store& store_;
  const std::stop_token stop_;
  Signatures waiting_;
  std::size_t count_ = 0;
};

int run_sign(Context& context) {
  const auto file = context.arguments.value("--key-file");
  if (!file) context.refuse("a key is needed: --key-file FILE");
  const SecretKey key = read_secret_key(*file);
  const std::stop_token stop = context.interruption.begin();
  const std::unique_ptr<Store> store = context.open_store();
  const auto objects = selected_objects(context, *store, chosen_reach(context));
  ProgressLine line(context.console, {.doing = "signing"});
  line.update({.items_expected = objects.size()});
  SignatureBatch batch(*store, stop);
  for (const auto& [path, info] : objects) {
    check_cancelled(stop);
    line.add({.items_done = 1});
    const Signature signature = key.sign(info.fingerprint(store->store_dir()));
    if (!info.signatures.contains(signature)) batch.add(path, {signature});
  }
  tell(context, "added", batch.finish());
  return 0;
}

// The signatures of the same object in another store; none if that has something else there.
std::set<Signature> signatures_of(const PathInfo& here, const std::optional<PathInfo>& there) {
  const bool same = there && there->nar_hash == here.nar_hash && there->nar_size == here.nar_size &&
                    there->references == here.references;
  std::set<Signature> fresh;
  if (!same) return fresh;
  std::ranges::set_difference(there->signatures, here.signatures,
                              std::inserter(fresh, fresh.end()));
  return fresh;
}

int run_copy_signatures(Context& context) {
  const std::vector<std::string> urls = context.arguments.values("--substituter");
  if (urls.empty()) context.refuse("say where signatures are: --substituter URL");
  const std::stop_token stop = context.interruption.begin();
  const std::unique_ptr<Store> store = context.open_store();
  const auto objects = selected_objects(context, *store, chosen_reach(context));
  std::vector<StorePath> paths;
  for (const auto& [path, info] : objects) paths.push_back(path);
  Signatures fresh;
  for (const std::string& url : urls) {
    check_cancelled(stop);
    const auto other = open_store(url, context.settings, context.environment);
    const std::vector<std::optional<PathInfo>> found = other->find(paths);
    for (std::size_t at = 0; at < paths.size(); ++at) {
      fresh[paths[at]].merge(signatures_of(objects.at(paths[at]), found[at]));
    }
  }
  SignatureBatch batch(*store, stop);
  for (auto& [path, signatures] : fresh) batch.add(path, std::move(signatures));
  tell(context, "imported", batch.finish());
  return 0;
}

constexpr Option recursive = {"-r,--recursive", "", "the whole closures"};
constexpr Option all = {"--all", "", "every valid path"};

constexpr Option sign_options[] = {
    {"-k,--key-file", "FILE", "the secret key, as 'key generate-secret' makes it"}, recursive, all};
constexpr Option copy_options[] = {
    {"-s,--substituter", "URL", "a store that may have signatures; may be repeated"},
    recursive,
    all};

constexpr Verb table[] = {
    {"store sign", "Sign store objects", "[PATH...]", 0, any_number,
     "-v tells how many signatures are new.", "cinch store sign -k secret.key -r ./result",
     sign_options, run_sign},
    {"store copy-sigs", "Copy the signatures of store objects from other stores", "[PATH...]", 0,
     any_number,
     "Only from the same object: with the same content and references. -v tells how many "
     "signatures are new.",
     "cinch store copy-sigs -s daemon --all", copy_options, run_copy_signatures},
};

}  // namespace

constinit const std::span<const Verb> store_sign_verbs = table;

}  // namespace cinch::cli
