// nix-store --realise.
#include "realising.hh"

#include "../build_report.hh"
#include "../installable.hh"

#include <cinch/build/make_realiser.hh>
#include <cinch/core/error.hh>
#include <cinch/local/permanent_root.hh>

#include <filesystem>
#include <string_view>

namespace cinch::cli {

int realise(StoreCall& call, const std::vector<DerivingPath>& wanted) {
  const std::stop_token stop = call.stop();
  const std::unique_ptr<Realiser> realiser = make_realiser(call.store(), call.context.settings);
  RealiseOptions options{.keep_going = call.context.settings.keep_going};
  if (call.has("--repair")) options.mode = BuildMode::repair;
  if (call.has("--check")) options.mode = BuildMode::check;
  const auto results = realiser->realise(wanted, options, call.context.console, stop);
  call.context.console.finish();
  return report_failures(call.context, call.store(), results);
}

namespace {

// The outputs that are wanted, by name; "out" for a plain path.
std::map<std::string, StorePath> wanted_paths(StoreCall& call, const DerivingPath& wanted) {
  if (const auto* built = std::get_if<BuiltPath>(&wanted)) {
    return output_paths(call.store(), *built);
  }
  return {{"out", std::get<OpaquePath>(wanted).path}};
}

// Nix's names: LINK, LINK-2, LINK-3 for the arguments; and "-dev" for what is not "out".
std::string root_name(const std::string& link, std::size_t number, const std::string& output) {
  std::string name = link;
  if (number > 1) name += "-" + std::to_string(number);
  if (output != "out") name += "-" + output;
  return name;
}

// "PATH!out,dev", or a path: for a derivation, that is all of its outputs.
DerivingPath parse_wanted(StoreCall& call, const std::string& argument) {
  const std::size_t mark = argument.rfind('!');
  const StorePath path = call.path_of(argument.substr(0, mark));
  if (!path.is_derivation()) return OpaquePath{path};
  if (mark == std::string::npos) return BuiltPath{path, AllOutputs{}};
  DerivingPath wanted =
      parse_deriving_path(call.shown(path) + argument.substr(mark), call.store().store_dir(), '!');
  (void)wanted_paths(call, wanted);  // throws for an output that there is not
  return wanted;
}

int run_realise(StoreCall& call) {
  call.allow_flags({"--dry-run", "--repair", "--check", "--ignore-unknown"});
  std::vector<DerivingPath> wanted;
  for (const std::string& argument : call.arguments) {
    wanted.push_back(parse_wanted(call, argument));
  }
  if (call.has("--dry-run") || call.has("--ignore-unknown")) {
    MissingPlan plan = make_realiser(call.store(), call.context.settings)->plan(wanted);
    if (call.has("--ignore-unknown")) {
      std::erase_if(wanted, [&](const DerivingPath& path) {
        const auto* opaque = std::get_if<OpaquePath>(&path);
        return opaque != nullptr && plan.unknown.contains(opaque->path);
      });
      plan.unknown.clear();
    }
    if (call.has("--dry-run")) {
      print_plan(call.context, call.store().store_dir(), plan, Verbosity::error);
      return 0;
    }
  }
  if (const int status = realise(call, wanted); status != 0) return status;
  // As in Nix: what might have been ignored is not printed, nor given roots.
  if (call.has("--ignore-unknown")) return 0;
  for (const DerivingPath& path : wanted) {
    for (const std::string& name : realised_names(call, path)) {
      if (call.prints) call.context.output.line(name);
    }
  }
  return 0;
}

constexpr StoreOperation table[] = {{"-r,--realise,--realize", run_realise}};

}  // namespace

std::set<std::string> realised_names(StoreCall& call, const DerivingPath& wanted) {
  ++call.roots_made;
  std::set<std::string> names;
  for (const auto& [output, path] : wanted_paths(call, wanted)) {
    if (!call.add_root) {
      names.insert(call.shown(path));
      continue;
    }
    const std::string link = root_name(*call.add_root, call.roots_made, output);
    names.insert(add_permanent_root(call.store(), std::filesystem::absolute(link).string(), path));
  }
  return names;
}

constinit const std::span<const StoreOperation> realise_operations = table;

}  // namespace cinch::cli
