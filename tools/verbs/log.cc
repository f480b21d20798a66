// log.
#include "../build_log.hh"
#include "../context.hh"
#include "../installable.hh"
#include "../verbs.hh"

namespace cinch::cli {

namespace {

int run_log(Context& context) {
  const std::unique_ptr<Store> store = context.open_store();
  const std::string& text = context.arguments.positional().front();
  print_build_log(*store, parse_installable(text, store->store_dir()), context.output);
  return 0;
}

constexpr Verb table[] = {
    {"log",
     "Print the log of a build",
     "PATH",
     1,
     1,
     "PATH is a derivation or one of its outputs.",
     "cinch log ./result",
     {},
     run_log},
};

}  // namespace

constinit const std::span<const Verb> log_verbs = table;

}  // namespace cinch::cli
