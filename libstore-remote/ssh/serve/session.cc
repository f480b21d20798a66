#include "serve/session.hh"

#include "serve/commands.hh"
#include "serve/values.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace cinch::serve {
namespace {

struct CommandEntry {
  Command number;
  std::string_view name;     // Nix's
  std::string_view forbids;  // what is not allowed to who may not write; empty: it only reads
  void (*run)(Session& session);
};

constexpr CommandEntry table[] = {
    {Command::query_valid_paths, "QueryValidPaths", "", commands::query_valid_paths},
    {Command::query_path_infos, "QueryPathInfos", "", commands::query_path_infos},
    {Command::dump_store_path, "DumpStorePath", "", commands::dump_store_path},
    {Command::import_paths, "ImportPaths", "importing paths", commands::import_paths},
    {Command::export_paths, "ExportPaths", "", commands::export_paths},
    {Command::build_paths, "BuildPaths", "building paths", commands::build_paths},
    {Command::query_closure, "QueryClosure", "", commands::query_closure},
    {Command::build_derivation, "BuildDerivation", "building paths", commands::build_derivation},
    {Command::add_to_store_nar, "AddToStoreNar", "importing paths", commands::add_to_store_nar},
};

std::string version_text(std::uint64_t version) {
  return std::to_string(version >> 8) + "." + std::to_string(version & 0xff);
}

}  // namespace

Session::Session(const Parts& parts)
    : store(parts.store),
      output(parts.output),
      options(parts.options),
      output_descriptor(parts.output_descriptor),
      stop(parts.stop),
      in(parts.input),
      dialect(dialect_of(parts.store.store_dir())) {}

void Session::run() {
  greet();
  while (!in.at_end()) {
    check_cancelled(stop);
    run_command(in.number());
    flush();
  }
}

// The server answers before it has read the client's version: some clients wait for that.
void Session::greet() {
  if (in.number() != client_magic) {
    throw Error(Code::protocol, "this is no client of the serve protocol")
        .hint("'nix-store --serve' is started by other programs, such as nix-copy-closure");
  }
  out.number(server_magic);
  out.number(version_number(newest_minor));
  flush();
  const std::uint64_t version = in.number();
  const Minor theirs = static_cast<Minor>(version & 0xff);
  if (version >> 8 != protocol_major || theirs < oldest_minor) {
    throw Error(Code::not_supported, "the client speaks version " + version_text(version) +
                                         " of the serve protocol, not 2." +
                                         std::to_string(oldest_minor) + " or later")
        .hint("use a newer Nix there");
  }
  minor = std::min(theirs, newest_minor);
}

void Session::run_command(std::uint64_t number) {
  const auto* entry = std::ranges::find(table, static_cast<Command>(number), &CommandEntry::number);
  if (entry == std::end(table)) {
    throw Error(Code::protocol,
                "there is no serve command with the number " + std::to_string(number));
  }
  if (!entry->forbids.empty() && !options.write_allowed) {
    throw Error(Code::permission_denied, std::string(entry->forbids) + " is not allowed")
        .about(std::string(entry->name))
        .hint("start the server with --write");
  }
  try {
    entry->run(*this);
  } catch (Error& error) {
    error.add_context("in the serve command '" + std::string(entry->name) + "'");
    throw;
  }
}

void Session::flush() {
  if (out.empty()) return;
  output.write(out.bytes());
  out.clear();
}

}  // namespace cinch::serve
