// Kills a process at random moments of its work on a store, and looks at what it left:
//   proof-crash [--kills N] [--seed S]
// Everything but the moment follows from the seed.
#include "program.hh"
#include "run_program.hh"
#include "workload.hh"

#include <cinch/core/error.hh>
#include <cinch/files/directory.hh>
#include <cinch/local/database_rebuild.hh>

#include <chrono>
#include <csignal>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace cinch::proof {
namespace {

constexpr int rounds_a_store = 50;
constexpr int rounds_a_collection = 3;
constexpr int rounds_a_check_by_nix = 25;

LocalStoreOptions options_in(const test::Scratch& scratch) {
  LocalStoreOptions options;
  options.root = scratch.path("root");
  options.fsync_metadata = false;  // a kill takes nothing from the page cache
  return options;
}

// What is done besides the operations of the workload, numbered after them.
std::size_t opening() { return Workload::operations().size(); }
std::size_t rebuilding() { return opening() + 1; }

std::string_view name_of_work(std::size_t work) {
  if (work == opening()) return "open the store";
  return work == rebuilding() ? "rebuild the database" : Workload::operations()[work].name;
}

// Works until it is killed.
[[noreturn]] void work(const test::Scratch& scratch, std::uint64_t seed, Promises& promises) {
  constexpr std::uint64_t lives_a_rebuild = 8;
  try {
    if (seed % lives_a_rebuild == 0 && Directory::open(scratch.path()).stat("root")) {
      promises.at_work = rebuilding();
      rebuild_database(options_in(scratch));
      promises.at_work = opening();
    }
    const auto store = LocalStore::open(options_in(scratch));
    Workload workload(*store, scratch.path("links"), seed, promises);
    for (;;) workload.step();
  } catch (const std::exception& error) {
    std::cerr << "# while it should " << name_of_work(promises.at_work) << ": " << error.what()
              << '\n';
  }
  ::_exit(1);
}

class Crashes {
 public:
  Crashes(const Arguments& arguments) : seed_(arguments.seed), random_(arguments.seed) {}

  // Throws what is wrong.
  void round() {
    if (rounds_ % rounds_a_store == 0) {
      scratch_ = std::make_unique<test::Scratch>();
      for (Promises::Root& root : promises_.roots) root.holds = false;
    }
    ++rounds_;
    kill_one();
    const auto store = LocalStore::open(options_in(*scratch_));
    const auto elsewhere = open_elsewhere(scratch_->path("links"));
    refuse(find_damage(*store, &promises_, elsewhere.get()), "is damaged");
    if (rounds_ % rounds_a_collection == 0) {
      store->collect_garbage({});
      refuse(find_litter(*store, scratch_->path("root/nix/store")), "is left after a collection");
      refuse(find_damage(*store, &promises_), "is damaged by the collection");
    }
    if (rounds_ % rounds_a_check_by_nix == 0) ask_nix();
  }

  void tell() const {
    std::cout << "# killed while it had to";
    const char* separator = " ";
    for (const auto& [name, count] : killed_) {
      std::cout << separator << name << ' ' << count;
      separator = ", ";
    }
    std::cout << "\n# " << steps_ << " steps were done before, and Nix verified " << checked_by_nix_
              << " stores\n";
  }
  const std::string& folder() const { return scratch_->path(); }

 private:
  void kill_one() {
    promises_.done = 0;
    promises_.at_work = opening();
    const std::uint64_t seed = seed_ * 1'000'003 + rounds_;
    const pid_t child = ::fork();
    if (child < 0) throw system_error(errno, "cannot start", "a child process");
    if (child == 0) work(*scratch_, seed, promises_);
    // Some die while they open the store, most in the middle of some work.
    constexpr std::uint64_t life_us_max = 50'000;
    std::this_thread::sleep_for(std::chrono::microseconds(random_() % life_us_max));
    ::kill(child, SIGKILL);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
      throw Error(Code::internal, "the work ended before it was killed");
    }
    ++killed_[name_of_work(promises_.at_work)];
    steps_ += promises_.done;
  }

  static void refuse(const std::vector<std::string>& found, const std::string& what) {
    if (found.empty()) return;
    std::string all;
    for (const std::string& one : found) all += "\n#   " + one;
    throw Error(Code::corrupt, "this " + what + ":" + all);
  }

  void ask_nix() {
    if (!has_program("nix-store")) return;
    const test::ProgramResult result = test::run_program(
        {"nix-store", "--verify", "--check-contents", "--store",
         "local?root=" + scratch_->path("root")},
        {"PATH=/usr/bin:/bin", "NIX_CONF_DIR=" + scratch_->path(), "HOME=" + scratch_->path()});
    if (result.status != 0 || result.errors.find("modified") != std::string::npos ||
        result.errors.find("disappeared") != std::string::npos) {
      throw Error(Code::corrupt, "Nix finds the store broken: " + result.errors);
    }
    ++checked_by_nix_;
  }

  std::uint64_t seed_;
  std::mt19937_64 random_;
  Promises& promises_ = Promises::share();
  std::unique_ptr<test::Scratch> scratch_;
  int rounds_ = 0;
  int checked_by_nix_ = 0;
  std::uint64_t steps_ = 0;
  std::map<std::string_view, int> killed_;
};

int main_of(const Arguments& arguments) {
  Crashes crashes(arguments);
  std::cout << "# " << arguments.count << " kills, --seed " << arguments.seed << std::endl;
  for (std::uint64_t round = 1; round <= arguments.count; ++round) {
    try {
      crashes.round();
    } catch (const Error& error) {
      std::cout << "not ok: kill " << round << ": " << error.what() << '\n';
      crashes.tell();
      return 1;
    }
    if (round % 1000 == 0) std::cout << "# " << round << " kills" << std::endl;
  }
  std::cout << "ok: after each of " << arguments.count
            << " kills, all that was valid is whole, and no root is lost\n";
  crashes.tell();
  return 0;
}

}  // namespace
}  // namespace cinch::proof

int main(int count, char** words) {
  return cinch::proof::run_main(count, words, {.option = "--kills", .count = 300},
                                cinch::proof::main_of);
}
