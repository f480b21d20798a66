// Many processes of many threads at work on one store at once:
//   proof-load [--seconds N] [--seed S]        (PROCESSES and THREADS in the environment: 4 and 4)
// Nothing that a thread holds by a root or a temporary root may go, nobody may wait for ever
// (SILENCE in the environment: how long nothing may move, 120 seconds), and in the end the store is
// whole. Nix works on it, too, unless NIX is 0 in the environment.
#include "nix_guest.hh"
#include "program.hh"
#include "scratch.hh"
#include "workload.hh"

#include <cinch/core/error.hh>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <execinfo.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cinch::proof {
namespace {

using Clock = std::chrono::steady_clock;

// Seconds; longer than anything waits by design (a minute for the database).
constexpr unsigned silence_max = 120;
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

// Where a thread is, as names of libraries and offsets in them, for addr2line.
constexpr int stack_signal = SIGUSR1;
void print_stack(int) {
  constexpr int depth_max = 40;
  std::array<void*, depth_max> frames;
  ::backtrace_symbols_fd(frames.data(), ::backtrace(frames.data(), depth_max), STDOUT_FILENO);
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
      StorePathSet held = promises.held();
      held.insert(workload.added_paths().begin(), workload.added_paths().end());
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

// Works until the time is over; the exit status.
int run_guest(const test::Scratch& scratch, const Arguments& arguments, Promises& promises) {
  const auto end = Clock::now() + std::chrono::seconds(arguments.count);
  try {
    NixGuest guest(scratch.path(), arguments.seed, promises);
    while (Clock::now() < end) guest.step();
    return 0;
  } catch (const std::exception& error) {
    std::cout << "not ok: Nix: " << error.what() << std::endl;
    return failed;
  }
}

class Load {
 public:
  explicit Load(const Arguments& arguments)
      : arguments_(arguments),
        threads_(setting("THREADS", 4)),
        silence_max_(setting("SILENCE", silence_max)) {
    for (unsigned i = 0; i < setting("PROCESSES", 4) * threads_; ++i) {
      promises_.push_back(&Promises::share());
    }
    if (setting("NIX", 1) != 0 && has_program("nix-store")) guest_ = &Promises::share();
  }

  int run() {
    std::cout << "# " << promises_.size() / threads_ << " processes of " << threads_
              << " threads, --seconds " << arguments_.count << " --seed " << arguments_.seed
              << std::endl;
    ::signal(stack_signal, print_stack);
    // Nix should find a store there.
    (void)LocalStore::open(options_in(scratch_));
    for (unsigned first = 0; first < promises_.size(); first += threads_) {
      start([&] {
        const std::vector<Promises*> mine(promises_.begin() + first,
                                          promises_.begin() + first + threads_);
        return Process(scratch_, first / threads_, arguments_, mine).run();
      });
    }
    if (guest_) start([&] { return run_guest(scratch_, arguments_, *guest_); });
    bool good = wait();
    tell_efforts();
    const auto store = LocalStore::open(options_in(scratch_));
    good = check(*store) && good;
    store->collect_garbage({});
    good = check(*store) && good;
    good = tell(find_litter(*store, scratch_.path("root/nix/store"))) && good;
    std::cout << "# " << steps() << " operations, " << store->all_valid_paths().size()
              << " paths with roots\n"
              << (good ? "ok: no root is lost, nobody waits for ever, and the store is whole\n"
                       : "not ok\n");
    return good ? 0 : failed;
  }

 private:
  void start(const std::function<int()>& work) {
    const pid_t child = ::fork();
    if (child < 0) throw system_error(errno, "cannot start", "a child process");
    if (child == 0) ::_exit(work());
    children_.push_back(child);
  }

  bool check(LocalStore& store) const {
    bool good = tell(find_damage(store, nullptr));
    for (const Promises* promises : promises_) good = tell(find_lost(store, *promises)) && good;
    return (!guest_ || tell(find_lost(store, *guest_))) && good;
  }

  void tell_efforts() const {
    const auto& operations = Workload::operations();
    for (std::size_t index = 0; index < operations.size(); ++index) {
      std::uint64_t count = 0;
      std::uint64_t us = 0;
      std::uint64_t us_at_most = 0;
      for (const Promises* promises : promises_) {
        const Promises::Effort& effort = promises->efforts[index];
        count += effort.count;
        us += effort.us_in_all;
        us_at_most = std::max<std::uint64_t>(us_at_most, effort.us_at_most);
      }
      if (count == 0) continue;
      std::cout << "# " << operations[index].name << ": " << count << " times, "
                << us / count / 1000 << " ms each, " << us_at_most / 1000 << " ms at most\n";
    }
    if (guest_) std::cout << "# Nix: " << guest_->done << " operations\n";
  }

  std::uint64_t steps() const {
    std::uint64_t sum = 0;
    for (const Promises* promises : promises_) sum += promises->done;
    return sum + (guest_ ? guest_->done.load() : 0);
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
      } else if (Clock::now() - moved > silence_max_) {
        std::cout << "not ok: nothing moves any more" << std::endl;
        for (const pid_t child : children_) end_with_stacks(child);
        good = false;
        moved = Clock::now();
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return good;
  }

  // What each thread of a child is at goes to standard output.
  void end_with_stacks(pid_t child) const {
    const std::string tasks = "/proc/" + std::to_string(child) + "/task";
    for (const auto& task : std::filesystem::directory_iterator(tasks)) {
      const auto thread = static_cast<pid_t>(parse_number(task.path().filename().string()));
      std::cout << "# process " << child << ", thread " << thread << ':' << std::endl;
      ::tgkill(child, thread, stack_signal);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));  // so that they do not mix
    }
    ::kill(child, SIGKILL);
  }

  static bool tell(const std::vector<std::string>& found) {
    for (const std::string& one : found) std::cout << "not ok: " << one << '\n';
    return found.empty();
  }

  Arguments arguments_;
  unsigned threads_;
  std::chrono::seconds silence_max_;
  test::Scratch scratch_;
  std::vector<Promises*> promises_;  // of each thread
  Promises* guest_ = nullptr;        // those of Nix, if it takes part
  std::vector<pid_t> children_;
};

}  // namespace
}  // namespace cinch::proof

int main(int count, char** words) {
  return cinch::proof::run_main(
      count, words, {.option = "--seconds", .count = 10},
      [](const cinch::proof::Arguments& arguments) { return cinch::proof::Load(arguments).run(); });
}
