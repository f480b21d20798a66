// What a verb gets to work with.
#pragma once

#include "console.hh"
#include "interruption.hh"
#include "output.hh"
#include "verb.hh"

#include <cinch/core/settings.hh>
#include <cinch/core/store.hh>
#include <cinch/remote/open_store.hh>

#include <memory>
#include <string>

namespace cinch::cli {

struct Context {
  const Verb& verb;
  Arguments arguments;
  Settings settings;
  Environment environment;
  Output& output;
  Console& console;
  Interruption& interruption;

  // The store of --store, and what its URL says.
  std::unique_ptr<Store> open_store();
  bool has(std::string_view option) const { return arguments.has(option); }
  // An environment variable; empty if it is not set.
  std::string variable(const std::string& name) const;
  // Where store paths lie for verbs that open no store: --store-dir, else $NIX_STORE_DIR, else
  // /nix/store.
  StoreDir store_dir() const;
  // Whether standard output is a terminal on which colours are wanted.
  bool colours_on_output() const;
  [[noreturn]] void refuse(const std::string& message) const;  // a usage error of this verb
};

}  // namespace cinch::cli
