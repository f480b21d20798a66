// store add, store add-file, store add-path.
#include "../add_file.hh"
#include "../context.hh"
#include "../file_content.hh"
#include "../hash_options.hh"
#include "../verbs.hh"

#include <cinch/core/content_address_hasher.hh>
#include <cinch/core/error.hh>

namespace cinch::cli {

namespace {

// The path that the content would get; nothing is written.
StorePath computed_path(const StoreDir& store_dir, const std::string& file,
                        const AddContent& options) {
  if (options.method != ContentAddressMethod::git) {
    const Hash hash = hash_content(file, options.method, options.algorithm);
    return make_content_addressed_path(store_dir, options.name, {options.method, hash});
  }
  // From the NAR, as the store does it, so that what it refuses is refused here too.
  ContentAddressHasher hasher({.method = options.method, .algorithm = options.algorithm});
  write_content(file, options.method, hasher);
  return make_content_addressed_path(store_dir, options.name, hasher.finish());
}

int add(Context& context, ContentAddressMethod method) {
  const std::stop_token stop = context.interruption.begin();
  const std::string& file = context.arguments.positional().front();
  AddContent options;
  options.name = context.arguments.value("--name").value_or(name_of_file(file));
  options.method = method;
  options.algorithm = chosen_algorithm(context);
  check_store_path_name(options.name);
  const std::unique_ptr<Store> store = context.open_store();
  const auto print = [&](const StorePath& path) {
    context.output.line(store->store_dir().print(path));
    return 0;
  };
  if (context.has("--dry-run")) return print(computed_path(store->store_dir(), file, options));
  return print(add_file(context.console, *store, file, options, stop));
}

int run_add(Context& context) {
  const std::string mode = context.arguments.value("--mode").value_or("nar");
  return add(context, parse_content_address_method(mode));
}
int run_add_file(Context& context) { return add(context, ContentAddressMethod::flat); }
int run_add_path(Context& context) { return add(context, ContentAddressMethod::nar); }

constexpr Option name = {"-n,--name", "NAME", "the name in the store path (default: the file's)"};
constexpr Option dry_run = {"--dry-run", "", "only print the path that it would get"};

constexpr Option add_options[] = {
    name,
    {"--mode", "MODE", "nar (the default), git, or flat or text for one regular file"},
    {"--hash-algo", "ALGORITHM", "md5, sha1, sha256 (the default), sha512 or blake3"},
    dry_run};
constexpr Option other_options[] = {name, dry_run};

constexpr Verb table[] = {
    {"store add", "Add a file or directory to the store", "PATH", 1, 1,
     "Prints the store path, which follows from name and content.",
     "cinch store add --name source ./src", add_options, run_add},
    {"store add-file", "Add a regular file to the store", "FILE", 1, 1,
     "The same as 'store add --mode flat'.", "cinch store add-file hello-2.10.tar.gz",
     other_options, run_add_file},
    {"store add-path", "Add a file or directory to the store", "PATH", 1, 1,
     "The same as 'store add --mode nar'.", "cinch store add-path ./src", other_options,
     run_add_path},
};

}  // namespace

constinit const std::span<const Verb> store_add_verbs = table;

}  // namespace cinch::cli
