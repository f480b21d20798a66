// copy.
#include "../context.hh"
#include "../path_selection.hh"
#include "../progress_line.hh"
#include "../store_ends.hh"
#include "../verbs.hh"

#include <cinch/core/closure.hh>
#include <cinch/files/run_piped.hh>

namespace cinch::cli {

namespace {

int run_copy(Context& context) {
  if (!context.has("--from") && !context.has("--to")) {
    context.refuse("say from where or to where: --from URL, --to URL");
  }
  const std::stop_token stop = context.interruption.begin();
  const Ends ends = open_ends(context);
  const Reach reach = context.has("--no-recursive") ? Reach::paths : Reach::closures;
  const std::map<StorePath, PathInfo> objects = selected_objects(context, *ends.from, reach);
  ProgressLine line(context.console, {.doing = "copying", .activity = Activity::copy_paths});
  const CopyOptions options{
      .policy = context.has("--no-check-sigs") ? SignaturePolicy::accept_unsigned
                                               : SignaturePolicy::require_trusted,
      .run_piped = run_piped,
      .progress = [&](const CopyProgress& progress) { line.update(shown(progress)); }};
  const std::uint64_t copied = copy_objects(*ends.from, *ends.to, objects, options, stop);
  context.console.message(Verbosity::info, std::to_string(copied) + " of " +
                                               std::to_string(objects.size()) + " paths copied");
  return 0;
}

constexpr Option copy_options[] = {
    from_store,
    to_store,
    {"--all", "", "every valid path"},
    {"--no-recursive", "", "copy these objects only, not their closures"},
    {"--no-check-sigs", "", "take objects that no trusted key has signed"},
    {"-s,--substitute-on-destination", "",
     "accepted, as Nix takes it; no destination of this version fetches anything itself"},
};
constexpr Verb table[] = {
    {"copy", "Copy store objects and their closures to another store", "[PATH...]", 0, any_number,
     "What is there already is passed over. Between two local stores, files are copied directly, "
     "by several threads, and share their blocks where the file system can do that. If it is "
     "interrupted, what was complete stays.",
     "cinch copy --to 'local?root=/mnt' ./result", copy_options, run_copy},
};

}  // namespace

constinit const std::span<const Verb> copy_verbs = table;

}  // namespace cinch::cli
