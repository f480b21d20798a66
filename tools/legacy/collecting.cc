// nix-store --gc, --delete.
#include "collecting.hh"

#include "../maintenance.hh"
#include "store_call.hh"

#include <cinch/core/error.hh>

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace cinch::cli {

namespace {

void print_freed(Output& output, std::size_t paths, std::uint64_t bytes) {
  constexpr double mebibyte = 1024.0 * 1024.0;
  char size[64];
  std::snprintf(size, sizeof size, "%.2f", static_cast<double>(bytes) / mebibyte);
  output.line(std::to_string(paths) + " store paths deleted, " + size + " MiB freed");
}

}  // namespace

int collect_garbage(Context& context, Store& store, GarbageOptions options,
                    std::stop_token stop) try {
  options.liveness = liveness_of(context.settings);
  const GarbageReport report = collect_garbage(context.console, store, options, std::move(stop));
  // Of chosen paths, those that were gone already count, too, as in Nix.
  const std::size_t gone = report.paths.size() + report.left_overs.size();
  print_freed(context.output, options.only ? options.only->size() : gone, report.bytes);
  return 0;
} catch (const Error&) {
  print_freed(context.output, 0, 0);
  throw;
}

std::uint64_t parse_max_freed(const Context& context, const std::string& text) {
  constexpr std::string_view units = "KMGT";
  const char* const end = text.data() + text.size();
  std::int64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  int shift = 0;
  if (error == std::errc() && end - rest == 1) {
    const char unit = *rest >= 'a' && *rest <= 'z' ? static_cast<char>(*rest - 'a' + 'A') : *rest;
    const std::size_t power = units.find(unit);
    shift = power == units.npos ? -1 : static_cast<int>(10 * (power + 1));
  } else if (error != std::errc() || rest != end) {
    shift = -1;
  }
  if (shift < 0) context.refuse("'" + text + "' is not an integer");
  if (number <= 0) return 0;
  const std::uint64_t most = GarbageOptions().bytes_max;
  const auto wanted = static_cast<std::uint64_t>(number);
  return wanted > (most >> shift) ? most : wanted << shift;
}

namespace {

int print_roots(StoreCall& call) {
  for (const GarbageRoot& root : garbage_store(call.store()).find_roots()) {
    call.context.output.line(root.link + " -> " + call.shown(root.path));
  }
  return 0;
}

int print_live(StoreCall& call) {
  const LivenessOptions liveness = liveness_of(call.context.settings);
  for (const StorePath& path : garbage_store(call.store()).find_alive(liveness)) call.print(path);
  return 0;
}

// What is valid, and left-overs that could be.
int print_dead(StoreCall& call, GarbageOptions options) {
  options.liveness = liveness_of(call.context.settings);
  options.dry_run = true;
  options.survey_time_max = std::chrono::milliseconds(0);  // sizes are not printed
  const GarbageReport report =
      garbage_store(call.store()).collect_garbage(options, {}, call.stop());
  StorePathSet dead(report.paths.begin(), report.paths.end());
  for (const std::string& name : report.left_overs) {
    if (const auto path =
            call.store().store_dir().containing(call.store().store_dir().text() + "/" + name)) {
      dead.insert(*path);
    }
  }
  for (const StorePath& path : dead) call.print(path);
  return 0;
}

int run_gc(StoreCall& call) {
  enum class Action { collect, print_roots, print_live, print_dead } action = Action::collect;
  bool roots = false;
  GarbageOptions options;
  for (const LegacyWord& flag : call.flags) {
    if (flag.text == "--print-roots") {
      roots = true;
    } else if (flag.text == "--print-live") {
      action = Action::print_live;
    } else if (flag.text == "--print-dead") {
      action = Action::print_dead;
    } else if (flag.text == "--max-freed") {
      options.bytes_max = parse_max_freed(call.context, flag.value);
    } else {
      call.refuse("bad sub-operation '" + flag.text + "' in GC");
    }
  }
  call.allow_arguments(0, "no arguments expected");
  if (roots) return print_roots(call);
  if (action == Action::print_live) return print_live(call);
  if (action == Action::print_dead) return print_dead(call, options);
  const std::stop_token stop = call.stop();
  return collect_garbage(call.context, call.store(), options, stop);
}

int run_delete(StoreCall& call) {
  call.allow_flags({"--ignore-liveness"});
  GarbageOptions options;
  const std::vector<StorePath> paths = call.argument_paths();
  options.only = StorePathSet(paths.begin(), paths.end());
  options.ignore_liveness = call.has("--ignore-liveness");
  const std::stop_token stop = call.stop();
  return collect_garbage(call.context, call.store(), options, stop);
}

constexpr StoreOperation table[] = {
    {"--gc", run_gc},
    {"--delete", run_delete},
};

}  // namespace

constinit const std::span<const StoreOperation> garbage_operations = table;

}  // namespace cinch::cli
