// Nix and Cinch on one store, in both directions.
#include "catch.hh"
#include "errors.hh"
#include "local_fixture.hh"
#include "run_program.hh"

#include <cinch/core/derivation.hh>
#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/derivation_hash.hh>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

using namespace cinch;
using namespace cinch::test;

namespace {

// A root directory with a Nix that sees only the store in it.
class NixBeside {
 public:
  NixBeside() { scratch.directory().make_directory("etc", 0755); }

  std::vector<std::string> command(const std::vector<std::string>& words) const {
    std::vector<std::string> argv{words.front(), "--store", "local?root=" + scratch.path("root")};
    argv.insert(argv.end(), words.begin() + 1, words.end());
    return argv;
  }
  std::vector<std::string> environment() const {
    return {"PATH=/usr/bin:/bin", "HOME=" + scratch.path("home"),
            "NIX_CONF_DIR=" + scratch.path("etc"),
            "NIX_CONFIG=build-users-group =\nexperimental-features = nix-command\n"
            "sandbox = false\nsubstituters =\n"};
  }
  // The standard output of a command that succeeds.
  std::string nix(const std::vector<std::string>& words) const {
    const ProgramResult result = run_program(command(words), environment());
    INFO(result.errors);
    REQUIRE(result.status == 0);
    return result.output;
  }
  std::string print(const StorePath& path) const { return "/nix/store/" + path.base_name(); }

  Scratch scratch;
};

Derivation simple_derivation(const StoreDir& store_dir, const std::string& name) {
  Derivation derivation{.name = name,
                        .outputs = {{"out", DeferredOutput{}}, {"doc", DeferredOutput{}}},
                        .system = "x86_64-linux",
                        .builder = "/bin/sh",
                        .arguments = {"-c", "echo hi"}};
  derivation.environment = {{"out", ""}, {"doc", ""}, {"name", name}};
  DerivationHasher(store_dir, [](const StorePath&) -> Derivation {
    throw Error(Code::internal, "there are no inputs");
  }).fill_in_outputs(derivation);
  return derivation;
}

}  // namespace

TEST_CASE("Nix opens, queries and verifies a store that was made here") {
  const NixBeside beside;
  const auto store = open_in(beside.scratch);
  const PathInfo a = add_text(*store, "a", "a");
  const PathInfo b = add_text(*store, "b", "refers to " + beside.print(a.path), {a.path});
  const std::string hello = tree_nar("hello");
  StringSource source(hello);
  const PathInfo tree = store->add_content({.name = "tree"}, source);
  const Derivation derivation = simple_derivation(store->store_dir(), "d");
  const StorePath drv = store->add_derivation(derivation);
  const std::string nar = tree_nar("built");
  PathInfo built = info_of(nar, derivation.output_path(store->store_dir(), "out")->base_name());
  built.deriver = drv;
  built.references = {built.path, a.path};
  built.ultimate = true;
  StringSource built_source(nar);
  store->add_nar(built, built_source, SignaturePolicy::accept_unsigned);

  CHECK(beside.nix({"nix-store", "--verify", "--check-contents"}).empty());
  CHECK(beside.nix({"nix-store", "--check-validity", beside.print(tree.path)}).empty());
  CHECK(beside.nix({"nix-store", "-q", "--references", beside.print(b.path)}) ==
        beside.print(a.path) + "\n");
  CHECK(beside.nix({"nix-store", "-q", "--referrers", beside.print(a.path)})
            .find(built.path.base_name()) != std::string::npos);
  CHECK(beside.nix({"nix-store", "-q", "--deriver", beside.print(built.path)}) ==
        beside.print(drv) + "\n");
  CHECK(beside.nix({"nix-store", "-q", "--outputs", beside.print(drv)})
            .find(built.path.base_name()) != std::string::npos);
  CHECK(beside.nix({"nix-store", "-q", "--hash", beside.print(tree.path)}) ==
        tree.nar_hash.to_string(HashFormat::nix32) + "\n");
  CHECK(beside.nix({"nix-store", "-q", "--size", beside.print(tree.path)}) ==
        std::to_string(tree.nar_size) + "\n");
  CHECK(beside.nix({"nix-store", "--dump",
                    beside.scratch.path("root/nix/store/") + tree.path.base_name()}) ==
        tree_nar("hello"));
  const std::string json = beside.nix({"nix", "path-info", "--json", beside.print(tree.path)});
  CHECK(json.find(tree.content_address->to_string()) != std::string::npos);
}

TEST_CASE("a store that Nix made is opened, queried and added to") {
  const NixBeside beside;
  beside.scratch.directory().write_file("file", "hello\n", 0644);
  const std::string file = beside.scratch.path("file");
  const std::string recursive = beside.nix({"nix-store", "--add", file});
  const std::string flat = beside.nix({"nix-store", "--add-fixed", "sha256", file});
  const std::string sha1 = beside.nix({"nix-store", "--add-fixed", "--recursive", "sha1", file});
  const std::string drv =
      beside.nix({"nix-instantiate", "-E",
                  "derivation { name = \"d\"; system = \"x86_64-linux\"; builder = \"/bin/sh\"; "
                  "outputs = [ \"out\" \"doc\" ]; src = builtins.toFile \"t\" \"text\"; }"});

  const auto store = open_in(beside.scratch, {.create = false});
  const auto parse = [&](const std::string& line) {
    return store->store_dir().parse(line.substr(0, line.find('\n')));
  };
  CHECK(store->verify({.check_contents = true}).problems.empty());
  // The paths that Nix computed are the ones that are computed here.
  CHECK(store->add_tree("file", file).path == parse(recursive));
  StringSource flat_source("hello\n");
  CHECK(store->add_content({.name = "file", .method = ContentAddressMethod::flat}, flat_source)
            .path == parse(flat));
  StringSink bytes(1000);
  dump_tree(file, bytes);
  StringSource nar_source(bytes.text());
  CHECK(store->add_content({.name = "file", .algorithm = HashAlgorithm::sha1}, nar_source).path ==
        parse(sha1));
  CHECK(store->all_valid_paths().size() == 5);

  const StorePath path = parse(drv.substr(0, drv.find('!')));
  const Derivation derivation = store->read_derivation(path);
  CHECK(store->require(path).references == derivation.input_sources);
  CHECK(add_text(*store, "t", "text").path == *derivation.input_sources.begin());
  const StorePath output = *derivation.output_path(store->store_dir(), "doc");
  CHECK(store->find_derivers(std::vector{output}).front() == StorePathSet{path});
  CHECK(store->add_derivation(derivation) == path);
}

TEST_CASE("Nix's garbage collector spares what is in use here") {
  const NixBeside beside;
  auto store = open_in(beside.scratch);
  const PathInfo a = add_text(*store, "a", "a");
  const StorePath b = StorePath::parse(path_b);
  const std::string nar = tree_nar("b");
  StagedCommit commit{store->stage(b), info_of(nar, path_b)};
  commit.object->nar().write(as_bytes(nar.substr(0, 300)));

  beside.nix({"nix-store", "--gc"});
  CHECK(store->is_valid(a.path));
  CHECK(nar_of(*store, a.path).size() > 8);
  commit.object->nar().write(as_bytes(nar.substr(300)));
  {
    const auto lock = store->lock({b}, {}, {});
    std::vector<StagedCommit> objects;
    objects.push_back(std::move(commit));
    store->commit(std::move(objects));
  }
  CHECK(nar_of(*store, b) == nar);

  // Nothing is kept for a store that is closed, unless a root says so.
  const std::string link = beside.scratch.path("result");
  beside.scratch.directory().make_symlink(store->store_dir().print(b), "result");
  store->add_indirect_root(link);
  store.reset();
  beside.nix({"nix-store", "--gc"});
  store = open_in(beside.scratch);
  CHECK(store->all_valid_paths() == StorePathSet{b});
  CHECK(entries(beside.scratch).find(a.path.base_name()) == std::string::npos);
}

TEST_CASE("Nix waits for path locks that are held here") {
  const NixBeside beside;
  const auto store = open_in(beside.scratch);
  beside.scratch.directory().write_file("file", "locked\n", 0644);
  const PathInfo info = add_text(*store, "other", "x");
  // The path that --add will make.
  StringSink nar(1000);
  dump_tree(beside.scratch.path("file"), nar);
  const StorePath path = make_content_addressed_path(
      store->store_dir(), "file",
      {ContentAddressMethod::nar, hash_bytes(HashAlgorithm::sha256, as_bytes(nar.text()))});
  auto lock = store->lock({path}, {}, {});
  RunningProgram adding(beside.command({"nix-store", "--add", beside.scratch.path("file")}),
                        beside.environment());
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  CHECK(adding.is_running());
  CHECK_FALSE(store->is_valid(path));
  lock.reset();
  CHECK(adding.wait().output == beside.print(path) + "\n");
  CHECK(store->is_valid(path));
}

TEST_CASE("Nix prints the logs that are kept here") {
  const NixBeside beside;
  const bool compress = GENERATE(true, false);
  const auto store = open_in(beside.scratch, {.compress_logs = compress});
  const StorePath drv = store->add_derivation(simple_derivation(store->store_dir(), "logged"));
  store->write_log(drv)->write(as_bytes("first line\nsecond line\n"));
  CHECK(beside.nix({"nix-store", "--read-log", beside.print(drv)}) == "first line\nsecond line\n");
  CHECK(beside.nix({"nix", "log", beside.print(drv)}) == "first line\nsecond line\n");
}

TEST_CASE("what Nix builds is found here, with its log") {
  const Scratch scratch;
  scratch.directory().make_directory("etc", 0755);
  const std::vector<std::string> environment{
      "PATH=/usr/bin:/bin",
      "HOME=" + scratch.path("home"),
      "NIX_STORE_DIR=" + scratch.path("store"),
      "NIX_STATE_DIR=" + scratch.path("var"),
      "NIX_LOG_DIR=" + scratch.path("log"),
      "NIX_CONF_DIR=" + scratch.path("etc"),
      "NIX_CONFIG=build-users-group =\nsandbox = false\nsubstituters =\n"};
  const ProgramResult built = run_program(
      {"nix-build", "--no-out-link", "-E",
       "derivation { name = \"d\"; system = builtins.currentSystem; builder = \"/bin/sh\"; "
       "args = [ \"-c\" \"echo logged; echo made > $out\" ]; }"},
      environment);
  INFO(built.errors);
  REQUIRE(built.status == 0);

  const auto store = LocalStore::open({.store_dir = StoreDir(scratch.path("store")),
                                       .state_dir = scratch.path("var"),
                                       .log_dir = scratch.path("log"),
                                       .create = false});
  const StorePath path = store->store_dir().parse(built.output.substr(0, built.output.size() - 1));
  const PathInfo info = store->require(path);
  CHECK(info.ultimate);
  REQUIRE(info.deriver);
  CHECK(store->find_derivers(std::vector{path}).front() == StorePathSet{*info.deriver});
  CHECK(*store->read_derivation(*info.deriver).output_path(store->store_dir(), "out") == path);
  StringSink log(1000);
  CHECK(store->read_log(*info.deriver, log));
  CHECK(log.text() == "logged\n");
  CHECK(store->verify({.check_contents = true}).problems.empty());
}
