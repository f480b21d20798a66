#include "catch.hh"
#include "errors.hh"
#include "local_fixture.hh"

#include <cinch/local/permanent_root.hh>
#include <cinch/local/profile.hh>

#include <filesystem>
#include <fstream>
#include <thread>

namespace cinch {

using test::add_text;
using test::code_of;
using test::open_in;
using test::Scratch;

namespace {

using Numbers = std::vector<GenerationNumber>;

// Generations that were made at the given times; the last argument is the current one.
Generations made(const std::vector<std::pair<GenerationNumber, std::int64_t>>& list,
                 std::optional<GenerationNumber> current) {
  Generations generations;
  for (const auto& [number, time] : list) {
    generations.all.push_back({.number = number, .link = {}, .target = {}, .created = time});
  }
  generations.current = current;
  return generations;
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  for (const DirectoryEntry& entry : Directory::open(directory).list()) {
    names.push_back(entry.name);
  }
  return names;
}

}  // namespace

TEST_CASE("old generations are all but the current one") {
  const Generations three = made({{1, 10}, {2, 20}, {5, 50}}, 2);
  CHECK(all_but_current(three) == Numbers{1, 5});
  CHECK(all_but_current(made({{1, 10}, {2, 20}}, std::nullopt)).empty());
  CHECK(all_but_current(made({}, std::nullopt)).empty());
}

TEST_CASE("what was in use at a time is not older than it") {
  const auto four = [](GenerationNumber current) {
    return made({{1, 10}, {2, 20}, {3, 30}, {4, 40}}, current);
  };
  CHECK(replaced_before(four(4), 10).empty());
  CHECK(replaced_before(four(4), 11).empty());
  CHECK(replaced_before(four(4), 21) == Numbers{1});
  CHECK(replaced_before(four(4), 30) == Numbers{1});
  CHECK(replaced_before(four(4), 31) == Numbers{2, 1});
  CHECK(replaced_before(four(4), 100) == Numbers{3, 2, 1});
  CHECK(replaced_before(four(1), 100) == Numbers{3, 2});
  // A clock that was set back.
  CHECK(replaced_before(made({{1, 90}, {2, 20}, {3, 30}}, 3), 40) == Numbers{2});
  CHECK(replaced_before(made({{1, 10}, {2, 20}}, std::nullopt), 100).empty());
}

TEST_CASE("so many generations are kept, and newer ones") {
  const Generations five = made({{1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 0}}, 4);
  CHECK(beyond_count(five, 1) == Numbers{3, 2, 1});
  CHECK(beyond_count(five, 3) == Numbers{1});
  CHECK(beyond_count(five, 4).empty());
  CHECK(beyond_count(five, 400).empty());
  CHECK(beyond_count(made({{1, 0}}, std::nullopt), 1).empty());
}

TEST_CASE("a profile has generations") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const StorePath first = add_text(*store, "first", "1").path;
  const StorePath second = add_text(*store, "second", "2").path;
  Profile profile(scratch.path("new/folder/../profiles//tools"));
  CHECK(profile.name() == scratch.path("new/profiles/tools"));
  CHECK(profile.list().all.empty());
  CHECK(!profile.list().current);

  CHECK(profile.set(*store, first).number == 1);
  CHECK(profile.set(*store, first).number == 1);
  CHECK(profile.set(*store, second).number == 2);
  Generations generations = profile.list();
  REQUIRE(generations.all.size() == 2);
  CHECK(generations.current == 2u);
  CHECK(generations.all[0].target == StoreDir().print(first));
  CHECK(generations.all[1].link == scratch.path("new/profiles/tools-2-link"));
  CHECK(std::filesystem::read_symlink(profile.name()) == "tools-2-link");

  CHECK(profile.roll_back() == 1);
  CHECK(code_of([&] { profile.roll_back(); }) == Code::not_found);
  profile.switch_to(2);
  CHECK(profile.list().current == 2u);
  CHECK(code_of([&] { profile.switch_to(7); }) == Code::not_found);
  const auto choose_all = [](const Generations&) { return Numbers{1, 2}; };
  CHECK(code_of([&] { profile.remove(choose_all, false); }) == Code::invalid_argument);
  CHECK(profile.remove(all_but_current, true) == Numbers{1});
  CHECK(profile.list().all.size() == 2);
  CHECK(profile.remove([](const Generations&) { return Numbers{1, 7}; }, false) == Numbers{1});
  CHECK(names_in(scratch.path("new/profiles")) ==
        std::vector<std::string>{"tools", "tools-2-link"});
}

TEST_CASE("only links with a number are generations") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const StorePath path = add_text(*store, "path", "1").path;
  const std::string name = scratch.path("tools");
  for (const char* other : {"tools--link", "tools-x-link", "tools-01-link", "tools-1-link-2",
                            "tools-99999999999-link", "tool-1-link", "tools-1x-link"}) {
    std::filesystem::create_symlink(StoreDir().print(path), scratch.path(other));
  }
  std::ofstream(scratch.path("tools-3-link")) << "a file";
  Profile profile(name);
  CHECK(profile.list().all.empty());
  CHECK(profile.set(*store, path).number == 1);
  CHECK(profile.list().all.size() == 1);
}

TEST_CASE("two threads make a generation each") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  std::vector<StorePath> paths;
  for (int number = 0; number < 8; ++number) {
    paths.push_back(add_text(*store, "text-" + std::to_string(number), "text").path);
  }
  Profile profile(scratch.path("profiles/tools"));
  {
    std::vector<std::jthread> threads;
    for (const StorePath& path : paths) {
      threads.emplace_back([&] { profile.set(*store, path); });
    }
  }
  const Generations generations = profile.list();
  REQUIRE(generations.all.size() == paths.size());
  CHECK(generations.current == paths.size());
  StorePathSet found;
  for (const Generation& generation : generations.all) {
    found.insert(StoreDir().parse(generation.target));
  }
  CHECK(found == StorePathSet(paths.begin(), paths.end()));
  CHECK(names_in(scratch.path("profiles")).size() == paths.size() + 1);
}

TEST_CASE("a permanent root is a link outside the store") {
  const Scratch scratch;
  const StorePath path = add_text(*open_in(scratch), "path", "1").path;
  const auto store = open_in(scratch);
  const std::string link = scratch.path("links/below/root");
  CHECK(add_permanent_root(*store, scratch.path("links/./below/x/../root"), path) == link);
  CHECK(store->find_roots() == std::vector<GarbageRoot>{{link, path}});
  CHECK(store->find_alive({}) == StorePathSet{path});
  CHECK(add_permanent_root(*store, link, path) == link);

  const auto code = [&](const std::string& name, const StorePath& target) {
    return code_of([&] { add_permanent_root(*store, name, target); });
  };
  CHECK(code("relative", path) == Code::invalid_argument);
  CHECK(code("/", path) == Code::invalid_argument);
  CHECK(code("/nix/store/root", path) == Code::invalid_argument);
  CHECK(code(scratch.path("root/nix/store/root"), path) == Code::invalid_argument);
  CHECK(code(scratch.path("new"), StorePath::parse(test::path_a)) == Code::not_found);
  CHECK(!std::filesystem::exists(scratch.path("new")));
  std::ofstream(scratch.path("file")) << "mine";
  CHECK(code(scratch.path("file"), path) == Code::invalid_argument);
  std::filesystem::create_symlink("/elsewhere", scratch.path("other"));
  CHECK(code(scratch.path("other"), path) == Code::invalid_argument);
  CHECK(std::filesystem::read_symlink(scratch.path("other")) == "/elsewhere");
}

TEST_CASE("a root that cannot be registered leaves no link") {
  const Scratch scratch;
  const StorePath path = add_text(*open_in(scratch), "path", "1").path;
  LocalStoreOptions options;
  options.read_only = true;
  const auto store = open_in(scratch, options);
  CHECK(code_of([&] { add_permanent_root(*store, scratch.path("link"), path); }) ==
        Code::read_only);
  CHECK(!std::filesystem::is_symlink(scratch.path("link")));
}

TEST_CASE("stale roots are forgotten on request") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const StorePath path = add_text(*store, "path", "1").path;
  const std::string kept = add_permanent_root(*store, scratch.path("kept"), path);
  const std::string gone = add_permanent_root(*store, scratch.path("gone"), path);
  std::filesystem::remove(gone);
  CHECK(store->remove_stale_roots() == std::vector<std::string>{gone});
  CHECK(store->remove_stale_roots().empty());
  CHECK(store->find_stale_roots().empty());
  CHECK(store->find_roots() == std::vector<GarbageRoot>{{kept, path}});
}

}  // namespace cinch
