// Many processes of many threads at work on one store at once:
//   proof-load [--seconds N] [--seed S]        (PROCESSES and THREADS in the environment: 4 and 4)
// Nothing that a thread holds by a root or a temporary root may go, nobody may wait for ever, and
// in the end the store is whole.
#include "program.hh"
#include "scratch.hh"
#include "workload.hh"

#include <cinch/core/error.hh>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace cinch::proof {
namespace {

using Clock = std::chrono::steady_clock;

// Longer than anything waits by design (a minute for the database).
constexpr auto silence_max = std::chrono::seconds(120);
constexpr int failed = 1;

unsigned setting(const char* name, unsigned usual) {
  const char* text = std::getenv(name);
  return text ? static_cast<unsigned>(parse_number(text)) : usual;
}

LocalStoreOptions options_in(const test::Scratch& scratch) {
  LocalStoreOptions options;
  options.root = scratch.path("root");
  options.fsync_metadata = false;
  return options;
}

// One process; each of its threads has roots of its own, all share the store.
class Process {
 public:
  Process(const test::Scratch& scratch, unsigned number, const Arguments& arguments,
          std::vector<Promises*> promises)
      : scratch_(scratch),
        number_(number),
        seed_(arguments.seed),
        end_(Clock::now() + std::chrono::seconds(arguments.count)),
        promises_(std::move(promises)) {}

  int run() {
    for (int life = 0; Clock::now() < end_ && !failed_; ++life) {
      // Temporary roots end with the store: without that, nothing would be left to collect.
      const auto store = LocalStore::open(options_in(scratch_));
      std::vector<std::jthread> threads;
      for (unsigned thread = 0; thread < promises_.size(); ++thread) {
        threads.emplace_back([&, thread] { guard(*store, thread, life); });
      }
    }
    return failed_ ? failed : 0;
  }

 private:
  void guard(LocalStore& store, unsigned thread, int life) {
    try {
      work(store, thread, life);
    } catch (const std::exception& error) {
      failed_ = true;
      std::cout << "not ok: process " + std::to_string(number_) + ", thread " +
                       std::to_string(thread) + ", while it should " +
                       std::string(Workload::operations()[promises_[thread]->at_work].name) + ": " +
                       error.what() + "\n"
                << std::flush;
    }
  }

  void work(LocalStore& store, unsigned thread, int life) {
    Promises& promises = *promises_[thread];
    const std::string links =
        scratch_.path("links/" + std::to_string(number_) + "-" + std::to_string(thread));
    constexpr std::uint64_t lives_max = 1'000'000;
    const std::uint64_t seed =
        (seed_ * 1000 + number_ * 31 + thread) * lives_max + static_cast<std::uint64_t>(life);
    Workload workload(store, links, seed, promises);
    constexpr int steps = 40;
    for (int step = 0; step < steps && Clock::now() < end_ && !failed_; ++step) {
      workload.step();
      const StorePathSet held = promises.held();
      const StorePathSet valid = store.find_valid(held);
      if (held == valid) continue;
      throw Error(Code::corrupt, "a path with a root is lost");
    }
  }

  const test::Scratch& scratch_;
  unsigned number_;
  std::uint64_t seed_;
  Clock::time_point end_;
  std::vector<Promises*> promises_;
  std::atomic<bool> failed_ = false;
};

class Load {
 public:
  explicit Load(const Arguments& arguments)
      : arguments_(arguments), threads_(setting("THREADS", 4)) {
    for (unsigned i = 0; i < setting("PROCESSES", 4) * threads_; ++i) {
      promises_.push_back(&Promises::share());
    }
  }

  int run() {
    std::cout << "# " << promises_.size() / threads_ << " processes of " << threads_
              << " threads, --seconds " << arguments_.count << " --seed " << arguments_.seed
              << std::endl;
    for (unsigned first = 0; first < promises_.size(); first += threads_) start(first);
    bool good = wait();
    const auto store = LocalStore::open(options_in(scratch_));
    for (Promises* promises : promises_) good = tell(find_damage(*store, promises)) && good;
    store->collect_garbage({});
    for (Promises* promises : promises_) good = tell(find_damage(*store, promises)) && good;
    good = tell(find_litter(*store, scratch_.path("root/nix/store"))) && good;
    std::cout << "# " << steps() << " operations, " << store->all_valid_paths().size()
              << " paths with roots\n"
              << (good ? "ok: no root is lost, nobody waits for ever, and the store is whole\n"
                       : "not ok\n");
    return good ? 0 : failed;
  }

 private:
  void start(unsigned first) {
    const pid_t child = ::fork();
    if (child < 0) throw system_error(errno, "cannot start", "a child process");
    if (child == 0) {
      const std::vector<Promises*> mine(promises_.begin() + first,
                                        promises_.begin() + first + threads_);
      ::_exit(Process(scratch_, first / threads_, arguments_, mine).run());
    }
    children_.push_back(child);
  }

  std::uint64_t steps() const {
    std::uint64_t sum = 0;
    for (const Promises* promises : promises_) sum += promises->done;
    return sum;
  }

  // Until all have ended; false if one failed, or if nothing moves any more.
  bool wait() {
    bool good = true;
    auto moved = Clock::now();
    for (std::uint64_t last = 0; !children_.empty();) {
      int status = 0;
      const pid_t ended = ::waitpid(-1, &status, WNOHANG);
      if (ended > 0) {
        std::erase(children_, ended);
        good = good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
        continue;
      }
      if (const std::uint64_t now = steps(); now != last) {
        last = now;
        moved = Clock::now();
      } else if (Clock::now() - moved > silence_max) {
        std::cout << "not ok: nothing moves any more\n";
        for (const pid_t child : children_) ::kill(child, SIGKILL);
        good = false;
        moved = Clock::now();
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return good;
  }

  static bool tell(const std::vector<std::string>& found) {
    for (const std::string& one : found) std::cout << "not ok: " << one << '\n';
    return found.empty();
  }

  Arguments arguments_;
  unsigned threads_;
  test::Scratch scratch_;
  std::vector<Promises*> promises_;
  std::vector<pid_t> children_;
};

}  // namespace
}  // namespace cinch::proof

int main(int count, char** words) {
  return cinch::proof::run_main(
      count, words, {.option = "--seconds", .count = 10},
      [](const cinch::proof::Arguments& arguments) { return cinch::proof::Load(arguments).run(); });
}
