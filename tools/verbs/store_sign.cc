// store sign, store copy-sigs.
#include "../context.hh"
#include "../file_content.hh"
#include "../path_selection.hh"
#include "../progress_line.hh"
#include "../verbs.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>
#include <cinch/core/signature.hh>

#include <algorithm>

namespace cinch::cli {

namespace {

constexpr std::uint64_t key_bytes_max = 4096;

void tell(Context& context, std::string_view did, std::size_t count) {
  context.console.message(Verbosity::info,
                          std::string(did) + " " + std::to_string(count) + " signatures");
}

int run_sign(Context& context) {
  const auto file = context.arguments.value("--key-file");
  if (!file) context.refuse("a key is needed: --key-file FILE");
  const SecretKey key = parse_secret_key_file(read_whole_file(*file, key_bytes_max));
  const std::stop_token stop = context.interruption.begin();
  const std::unique_ptr<Store> store = context.open_store();
  const auto objects = selected_objects(context, *store, chosen_reach(context));
  ProgressLine line(context.console, {.doing = "signing"});
  line.update({.items_expected = objects.size()});
  std::size_t added = 0;
  for (const auto& [path, info] : objects) {
    check_cancelled(stop);
    line.add({.items_done = 1});
    const Signature signature = key.sign(info.fingerprint(store->store_dir()));
    if (info.signatures.contains(signature)) continue;
    store->add_signatures(path, {signature});
    ++added;
  }
  tell(context, "added", added);
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
  std::map<StorePath, std::set<Signature>> fresh;
  for (const std::string& url : urls) {
    check_cancelled(stop);
    const auto other = open_store(url, context.settings, context.environment);
    const std::vector<std::optional<PathInfo>> found = other->find(paths);
    for (std::size_t at = 0; at < paths.size(); ++at) {
      fresh[paths[at]].merge(signatures_of(objects.at(paths[at]), found[at]));
    }
  }
  std::size_t added = 0;
  for (const auto& [path, signatures] : fresh) {
    check_cancelled(stop);
    if (signatures.empty()) continue;
    store->add_signatures(path, signatures);
    added += signatures.size();
  }
  tell(context, "imported", added);
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
