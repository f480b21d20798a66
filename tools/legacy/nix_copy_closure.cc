// nix-copy-closure.
#include "../context.hh"
#include "../installable.hh"
#include "../progress_line.hh"
#include "programs.hh"

#include <cinch/core/closure.hh>
#include <cinch/files/run_piped.hh>

namespace cinch::cli {

namespace {

struct CopyCall {
  bool to = true;
  bool include_outputs = false;
  bool dry_run = false;
  std::string other;  // the host, or the URL of a store
  std::vector<std::string> arguments;
};

bool is_accepted(std::string_view flag) {
  for (const std::string_view known :
       {"--gzip", "--bzip2", "--xz", "--show-progress", "--use-substitutes", "-s"}) {
    if (flag == known) return true;
  }
  return false;
}

CopyCall parse(const Context& context) {
  CopyCall call;
  for (const LegacyWord& word : legacy_words(context.verb, context.arguments)) {
    if (word.text == "--to") {
      call.to = true;
    } else if (word.text == "--from") {
      call.to = false;
    } else if (word.text == "--include-outputs") {
      call.include_outputs = true;
    } else if (word.text == "--dry-run") {
      call.dry_run = true;
    } else if (word.is_flag() && !is_accepted(word.text)) {
      context.refuse("unrecognised flag '" + word.text + "'");
    } else if (word.is_flag()) {
      // About connections, and substituters of the other side.
    } else if (call.other.empty()) {
      call.other = word.text;
    } else {
      call.arguments.push_back(word.text);
    }
  }
  if (call.other.empty()) context.refuse("no host name specified");
  return call;
}

// A host is no URL and no directory.
std::string url_of(const std::string& other) {
  const bool is_url = other.find("://") != other.npos || other.find('/') != other.npos ||
                      other.find('?') != other.npos;
  return is_url ? other : "ssh://" + other;
}

int run_nix_copy_closure(Context& context) {
  const CopyCall call = parse(context);
  const std::stop_token stop = context.interruption.begin();
  const std::unique_ptr<Store> other =
      open_store(url_of(call.other), context.settings, context.environment);
  const std::unique_ptr<Store> own = context.open_store();
  Store& from = call.to ? *own : *other;
  Store& to = call.to ? *other : *own;
  StorePathSet paths;
  for (const std::string& argument : call.arguments) {
    paths.insert(parse_path_below(argument, from.store_dir()).path);
  }
  if (call.include_outputs) paths = compute_closure_with_outputs(from, paths);
  if (call.dry_run) return 0;
  ProgressLine line(context.console, {.doing = "copying", .activity = Activity::copy_paths});
  const CopyOptions options{
      .policy = SignaturePolicy::accept_unsigned,
      .run_piped = run_piped,
      .progress = [&](const CopyProgress& progress) { line.update(shown(progress)); }};
  copy_closure(from, to, paths, options, stop);
  return 0;
}

constexpr Option options[] = {
    {"--to", "", "copy from this store to the other one (the default)"},
    {"--from", "", "copy from the other store to this one"},
    {"--include-outputs", "", "also the outputs of derivations, and what these need"},
    {"--dry-run", "", "copy nothing"},
    {"--gzip", "", "accepted, about connections"},
    {"--bzip2", "", "accepted"},
    {"--xz", "", "accepted"},
    {"-s,--use-substitutes", "", "accepted"},
    {"--show-progress", "", "accepted"},
};

}  // namespace

constinit const Verb nix_copy_closure_program = {
    "nix-copy-closure",
    "Copy closures as Nix's program of this name does",
    "STORE PATH...",
    0,
    any_number,
    "Nix takes a HOST, which it reaches by ssh; so far only other stores can be reached: STORE is "
    "a directory (as root) or the URL of a store. Signatures are not checked, as in Nix.",
    "nix-copy-closure --to ./root ./result",
    options,
    run_nix_copy_closure};

}  // namespace cinch::cli
