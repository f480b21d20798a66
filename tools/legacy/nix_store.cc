// nix-store: finds the operation and hands it its flags and arguments.
#include "store_call.hh"

#include <iostream>

#include <unistd.h>

namespace cinch::cli {

namespace {

const StoreOperation* find_operation(std::string_view word) {
  for (const std::span<const StoreOperation> group :
       {realise_operations, adding_operations, archive_operations, registering_operations,
        query_operations, derivation_operations, garbage_operations, keeping_operations,
        serving_operations, validity_operations}) {
    for (const StoreOperation& operation : group) {
      if (has_name(operation.names, word)) return &operation;
    }
  }
  return nullptr;
}

// What --stdin adds: all words of standard input, unless that is a NAR, an archive or a client.
void read_arguments(const StoreOperation* operation, std::vector<std::string>& arguments) {
  if (operation != nullptr) {
    for (const std::string_view name : {"--import", "--restore", "--serve"}) {
      if (operation->names == name) return;
    }
  }
  std::string word;
  while (std::cin >> word) arguments.push_back(word);
}

int run_nix_store(Context& context) {
  const StoreOperation* operation = nullptr;
  StoreCall call{
      .context = context, .flags = {}, .arguments = {}, .add_root = {}, .opened = {}, .begun = {}};
  for (LegacyWord& word : legacy_words(context.verb, context.arguments)) {
    const StoreOperation* found = find_operation(word.text);
    if (found != nullptr) {
      if (operation != nullptr && operation != found) {
        context.refuse("only one operation may be specified");
      }
      operation = found;
    } else if (word.text == "--add-root") {
      call.add_root = word.value;
    } else if (word.text == "--stdin" && isatty(STDIN_FILENO) == 0) {
      read_arguments(operation, call.arguments);
    } else if (word.text == "--no-output") {
      call.prints = false;
    } else if (word.text == "--indirect") {
      // Every root is one since Nix 2.4.
    } else if (word.is_flag()) {
      call.flags.push_back(std::move(word));
    } else {
      call.arguments.push_back(std::move(word.text));
    }
  }
  if (operation == nullptr) context.refuse("no operation specified");
  return operation->run(call);
}

constexpr Option options[] = {
    {"-r,--realise,--realize", "",
     "build derivations, or make paths valid: [--dry-run] [--ignore-unknown] PATH..."},
    {"-A,--add", "", "add files and directories: FILE..."},
    {"--add-fixed", "", "the same with another hash: [--recursive] ALGORITHM FILE..."},
    {"--print-fixed-path", "", "the path of such content: [--recursive] ALGORITHM HASH NAME"},
    {"--delete", "", "delete what nothing keeps alive: [--ignore-liveness] PATH..."},
    {"-q,--query", "", "print what is known about paths: one of the queries below, PATH..."},
    {"--print-env", "", "print the environment of a derivation for a shell: DRV"},
    {"-l,--read-log", "", "print the logs of builds: PATH..."},
    {"--check-validity", "", "fail unless all are valid: [--print-invalid] PATH..."},
    {"--gc", "", "collect garbage: [--print-roots|--print-live|--print-dead] [--max-freed BYTES]"},
    {"--dump", "", "write the NAR of a file or directory: FILE"},
    {"--restore", "", "make a file or directory from the NAR on standard input: FILE"},
    {"--export", "", "write an archive of objects: PATH..."},
    {"--import", "", "add the objects of the archive on standard input"},
    {"--dump-db", "", "print what is registered about all paths, or these: [PATH...]"},
    {"--load-db", "", "register what --dump-db printed, from standard input"},
    {"--register-validity", "",
     "register objects that lie in the store: [--reregister] [--hash-given]"},
    {"--init", "", "make a store, if there is none"},
    {"--verify-path", "", "fail if a path has changed: PATH..."},
    {"--verify", "", "compare database and store: [--check-contents] [--repair]"},
    {"--repair-path", "", "set right what can be, of these: PATH..."},
    {"--optimise,--optimize", "", "make files of the same content links to one file"},
    {"--serve", "", "serve the store to a client on standard input and output: [--write]"},
    {"--generate-binary-cache-key", "", "make a pair of keys: NAME SECRET-FILE PUBLIC-FILE"},
    {"--outputs", "", "query: the outputs of derivations (the default)"},
    {"-R,--requisites", "", "query: closures, references first [--include-outputs]"},
    {"--references", "", "query: what the paths refer to"},
    {"--referrers", "", "query: what refers to the paths"},
    {"--referrers-closure", "", "query: what refers to the paths, directly or not"},
    {"-d,--deriver", "", "query: the derivation that made a path"},
    {"--valid-derivers", "", "query: the valid derivations that make a path"},
    {"-b,--binding", "", "query: a variable of derivations; the first argument names it"},
    {"--hash", "", "query: the hash of the NAR"},
    {"--size", "", "query: the size of the NAR"},
    {"--tree", "", "query: the references as a tree"},
    {"--graph", "", "query: the references as a graph for Graphviz's dot"},
    {"--graphml", "", "query: the references as GraphML"},
    {"--resolve", "", "query: the paths that links lead to"},
    {"--roots", "", "query: the roots that keep the paths alive"},
    {"-u,--use-output", "", "query the outputs of derivations instead of these"},
    {"-f,--force-realise", "", "realise the arguments of the query first"},
    {"--add-root", "LINK", "make links to the results, which keep them alive"},
    {"--indirect", "", "accepted; all roots are indirect"},
    {"--no-output", "", "do not print the paths that were realised"},
    {"--stdin", "", "read more arguments from standard input"},
    {"--max-freed", "BYTES", "stop once so much is free; K, M, G and T are units"},
};

}  // namespace

constinit const Verb nix_store_program = {
    "nix-store",
    "Work on a store as Nix's program of this name does",
    "[ARGUMENT]...",
    0,
    any_number,
    "One operation is given, then its flags and arguments. Arguments are store paths, what lies "
    "below them, or links to them. Options and output are those of Nix 2.8.",
    "nix-store -qR ./result\nnix-store --gc --print-dead",
    options,
    run_nix_store};

}  // namespace cinch::cli
