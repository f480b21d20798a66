// store path parse, store path make, store path follow.
#include "../context.hh"
#include "../installable.hh"
#include "../json_text.hh"
#include "../terminal_text.hh"
#include "../verbs.hh"

#include <cinch/core/content_address.hh>
#include <cinch/core/encoding.hh>
#include <cinch/core/error.hh>

namespace cinch::cli {

namespace {

struct Parsed {
  StorePath path;
  std::string rest;  // "" or "/bin/x"
};

// A path, something below one, or a base name.
Parsed parse_given(const StoreDir& store_dir, const std::string& text) {
  if (text.find('/') == std::string::npos) return {StorePath::parse(text), ""};
  if (const auto place = store_dir.find_place(text)) return {place->path, std::string(place->rest)};
  return {store_dir.parse(text), ""};  // says what is wrong with it
}

JsonMembers facts_of(const StoreDir& store_dir, const Parsed& parsed) {
  const StorePath& path = parsed.path;
  return {{"path", json_string(store_dir.print(path))},
          {"storeDir", json_string(store_dir.text())},
          {"hashPart", json_string(path.hash_part())},
          {"digest", json_string(base16_encode(path.digest()))},
          {"name", json_string(path.name())},
          {"isDerivation", json_bool(path.is_derivation())},
          {"rest", json_string(parsed.rest)}};
}

void print_facts(Output& output, const StoreDir& store_dir, const Parsed& parsed) {
  const StorePath& path = parsed.path;
  output.line("path:      " + store_dir.print(path));
  output.line("store:     " + store_dir.text());
  output.line("hash part: " + std::string(path.hash_part()));
  output.line("digest:    " + base16_encode(path.digest()));
  output.line("name:      " + std::string(path.name()));
  if (!parsed.rest.empty()) output.line("rest:      " + printable(parsed.rest));
}

int run_parse(Context& context) {
  const StoreDir store_dir = context.store_dir();
  std::vector<Parsed> paths;
  for (const std::string& text : context.arguments.positional()) {
    paths.push_back(parse_given(store_dir, text));
  }
  if (context.has("--json")) {
    std::vector<std::string> objects;
    for (const Parsed& parsed : paths) objects.push_back(json_object(facts_of(store_dir, parsed)));
    context.output.line(json_array(objects));
    return 0;
  }
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (i > 0) context.output.line("");
    print_facts(context.output, store_dir, paths[i]);
  }
  return 0;
}

// --ca, or --mode and --hash.
ContentAddress chosen_address(const Context& context) {
  const auto text = context.arguments.value("--ca");
  const auto hash = context.arguments.value("--hash");
  if (text.has_value() == hash.has_value()) {
    context.refuse("say what the content is: either --ca ADDRESS or --hash HASH");
  }
  if (text && context.has("--mode")) context.refuse("--ca says the mode already");
  if (text) return ContentAddress::parse(*text);
  const std::string mode = context.arguments.value("--mode").value_or("nar");
  return {parse_content_address_method(mode), Hash::parse(*hash)};
}

int run_make(Context& context) {
  const StoreDir store_dir = context.store_dir();
  References references{.others = {}, .self = context.has("--self")};
  for (const std::string& text : context.arguments.values("--reference")) {
    references.others.insert(parse_given(store_dir, text).path);
  }
  const std::string& name = context.arguments.positional().front();
  context.output.line(store_dir.print(
      make_content_addressed_path(store_dir, name, chosen_address(context), references)));
  return 0;
}

int run_follow(Context& context) {
  const StoreDir store_dir = context.store_dir();
  for (const std::string& text : context.arguments.positional()) {
    const PathBelow place = parse_path_below(text, store_dir);
    const std::string rest = context.has("--full") ? place.below : "";
    context.output.line(store_dir.print(place.path) + rest);
  }
  return 0;
}

constexpr Option store_dir = {"--store-dir", "DIR",
                              "where store paths lie (default: $NIX_STORE_DIR, else /nix/store)"};

constexpr Option parse_options[] = {store_dir, {"--json", "", "print a list of objects as JSON"}};

constexpr Option make_options[] = {
    store_dir,
    {"--ca", "ADDRESS", "the content address: text:..., fixed:... as path-info shows it"},
    {"--mode", "MODE", "with --hash: nar (the default), flat, text or git"},
    {"--hash", "HASH", "the hash of the content, serialised by the mode, with its algorithm"},
    {"--reference", "PATH", "a path that the content refers to; may be repeated"},
    {"--self", "", "the content refers to itself; its hash is one modulo the path"}};

constexpr Option follow_options[] = {
    store_dir, {"--full", "", "print the place in the object too, not only the object's path"}};

constexpr Verb table[] = {
    {"store path parse", "Take store paths apart", "PATH...", 1, any_number,
     "PATH is a store path, something below one, or a base name. No store is opened.",
     "cinch store path parse --json /nix/store/zr2knphxg8yyy2mkq8akf2hfknjvdiz7-x/bin",
     parse_options, run_parse},
    {"store path make", "Compute the store path of content", "NAME", 1, 1,
     "Prints the path that content of that address or hash has under this name. No store is "
     "opened. For files, see 'store add --dry-run'.",
     "cinch store path make src --hash sha1:55ca6286e3e4f4fba5d0448333fa99fc5a404a73", make_options,
     run_make},
    {"store path follow", "Print the store paths that links lead to", "LINK...", 1, any_number,
     "Follows symlinks until they lead into the store. No store is opened.",
     "cinch store path follow ./result", follow_options, run_follow},
};

}  // namespace

constinit const std::span<const Verb> store_path_verbs = table;

}  // namespace cinch::cli
