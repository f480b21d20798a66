// store ls, store cat, store dump-path, store info.
#include "../context.hh"
#include "../installable.hh"
#include "../json_text.hh"
#include "../tree_listing.hh"
#include "../verbs.hh"

#include <cinch/core/error.hh>
#include <cinch/files/directory.hh>
#include <cinch/remote/daemon_client.hh>

#include <algorithm>

#include <fcntl.h>
namespace cinch::cli {

namespace {

// A position in a tree on disk: the name of an entry of an open directory.
struct Place {
  Directory directory;
  std::string name;
};

Node node_of(const Directory& directory, const std::string& name, std::string path) {
  const std::optional<struct stat> status = directory.stat(name);
  if (!status) {
    throw Error(Code::not_found, "path '" + directory.name_of(name) + "' does not exist");
  }
  Node node;
  node.path = std::move(path);
  if (S_ISDIR(status->st_mode)) {
    node.type = NodeType::directory;
  } else if (S_ISLNK(status->st_mode)) {
    node.type = NodeType::symlink;
    node.target = directory.read_symlink(name);
  } else if (S_ISREG(status->st_mode)) {
    node.size_bytes = static_cast<std::uint64_t>(status->st_size);
    node.executable = (status->st_mode & S_IXUSR) != 0;
  } else {
    throw Error(Code::corrupt, "a store object cannot contain this kind of file")
        .about(directory.name_of(name));
  }
  return node;
}

// Walks down from the object to `below` ("" or "/a/b") without following symlinks.
Place find_place(const std::string& object, const std::string& below) {
  const std::size_t slash = object.rfind('/');
  Place place{Directory::open(object.substr(0, slash)), object.substr(slash + 1)};
  std::string rest = inner_path(below);
  while (!rest.empty()) {
    const std::size_t length = std::min(rest.find('/'), rest.size());
    const std::optional<struct stat> status = place.directory.stat(place.name);
    if (!status || !S_ISDIR(status->st_mode)) {
      throw Error(Code::not_found, "path '" + object + below + "' does not exist");
    }
    place = Place{place.directory.open_directory(place.name), rest.substr(0, length)};
    rest.erase(0, std::min(length + 1, rest.size()));
  }
  return place;
}

// The tree at a place; with `recursive`, all of it, else one level.
std::vector<Node> list_place(const Place& place, bool recursive) {
  std::vector<Node> nodes = {node_of(place.directory, place.name, "")};
  if (nodes.front().type != NodeType::directory) return nodes;
  struct Open {
    Directory directory;
    std::vector<DirectoryEntry> entries;
    std::size_t next = 0;
    std::string path;
  };
  std::vector<Open> open;
  const auto enter = [&](const Directory& parent, const std::string& name, std::string path) {
    Directory directory = parent.open_directory(name);
    std::vector<DirectoryEntry> entries = directory.list();
    open.push_back({std::move(directory), std::move(entries), 0, std::move(path)});
  };
  enter(place.directory, place.name, "");
  while (!open.empty()) {
    Open& top = open.back();
    if (top.next == top.entries.size()) {
      open.pop_back();
      continue;
    }
    const std::string name = top.entries[top.next++].name;
    const std::string path = top.path.empty() ? name : top.path + "/" + name;
    nodes.push_back(node_of(top.directory, name, path));
    if (!recursive || nodes.back().type != NodeType::directory) continue;
    if (open.size() >= nar_depth_max) {
      throw Error(Code::limit_exceeded, "directories are nested too deeply")
          .about(top.directory.name_of(name));
    }
    enter(top.directory, name, path);
  }
  return nodes;
}

// What PATH names, which is valid.
PathBelow wanted_path(const Context& context, Store& store) {
  PathBelow wanted = parse_path_below(context.arguments.positional().front(), store.store_dir());
  (void)store.require(wanted.path);
  return wanted;
}

int run_ls(Context& context) {
  const std::unique_ptr<Store> store = context.open_store();
  const PathBelow wanted = wanted_path(context, *store);
  const std::string shown = store->store_dir().print(wanted.path) + wanted.below;
  const ListingOptions options = listing_options(context);
  if (const auto* local = capability<BuildStore>(*store)) {
    const Place place = find_place(local->real_path(wanted.path), wanted.below);
    print_listing(context.output, list_place(place, options.recursive), "", shown, options);
    return 0;
  }
  NarListing listing;
  store->read_nar(wanted.path, listing);
  listing.finish();
  print_listing(context.output, listing.take(), inner_path(wanted.below), shown, options);
  return 0;
}

[[noreturn]] void refuse_file(const std::string& shown) {
  throw Error(Code::invalid_argument, "path '" + shown + "' is not a regular file");
}

int run_cat(Context& context) {
  const std::unique_ptr<Store> store = context.open_store();
  const PathBelow wanted = wanted_path(context, *store);
  const std::string shown = store->store_dir().print(wanted.path) + wanted.below;
  if (const auto* local = capability<BuildStore>(*store)) {
    const Place place = find_place(local->real_path(wanted.path), wanted.below);
    if (node_of(place.directory, place.name, "").type != NodeType::regular) refuse_file(shown);
    const Descriptor file = place.directory.open_file(place.name, O_RDONLY);
    DescriptorSource source(file.get(), shown);
    copy_stream(source, context.output);
    return 0;
  }
  NarExtract extract(inner_path(wanted.below), context.output);
  store->read_nar(wanted.path, extract);
  extract.finish();
  if (!extract.found()) throw Error(Code::not_found, "path '" + shown + "' does not exist");
  if (extract.found()->type != NodeType::regular) refuse_file(shown);
  return 0;
}

int run_dump_path(Context& context) {
  if (context.output.is_terminal()) {
    throw Error(Code::invalid_argument, "a NAR is not for terminals")
        .hint("send it to a file or a program: cinch store dump-path PATH > FILE");
  }
  const std::unique_ptr<Store> store = context.open_store();
  const DerivingPath wanted =
      parse_installable(context.arguments.positional().front(), store->store_dir());
  const auto* opaque = std::get_if<OpaquePath>(&wanted);
  const StorePath path = opaque != nullptr
                             ? opaque->path
                             : output_paths(*store, std::get<BuiltPath>(wanted)).begin()->second;
  store->read_nar(path, context.output);
  return 0;
}

int run_info(Context& context) {
  const std::unique_ptr<Store> store = context.open_store();
  const bool local = capability<BuildStore>(*store) != nullptr;
  auto* daemon = capability<DaemonClient>(*store);
  std::string version = daemon != nullptr ? daemon->daemon_version() : "";
  if (local) version = CINCH_VERSION;
  if (context.has("--json")) {
    JsonMembers members = {{"url", json_string(store->url())}};
    if (!version.empty()) members.emplace_back("version", json_string(version));
    if (local) members.emplace_back("trusted", json_bool(true));
    context.output.line(json_object(members));
    return 0;
  }
  context.output.line("Store URL: " + store->url());
  if (!version.empty()) context.output.line("Version: " + version);
  if (local) context.output.line("Trusted: 1");
  return 0;
}

constexpr Option info_options[] = {{"--json", "", "print the answer as JSON"}};

constexpr Verb table[] = {
    {"store ls", "List what is in a store object", "PATH", 1, 1,
     "PATH may go on below the store path. Symlinks are shown, not followed.",
     "cinch store ls -lR ./result", listing_option_table, run_ls},
    {"store cat",
     "Print a file of a store object",
     "PATH",
     1,
     1,
     "",
     "cinch store cat ./result/share/doc/README",
     {},
     run_cat},
    {"store dump-path",
     "Write the NAR of a store object to standard output",
     "PATH",
     1,
     1,
     "",
     "cinch store dump-path ./result > hello.nar",
     {},
     run_dump_path},
    {"store info", "Test whether a store can be used, and say what it is", "", 0, 0,
     "The older name 'store ping' works too.", "cinch store info --store daemon", info_options,
     run_info},
};

}  // namespace

constinit const std::span<const Verb> store_read_verbs = table;

}  // namespace cinch::cli
