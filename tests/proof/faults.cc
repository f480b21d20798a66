// Fails each call in turn that an operation makes of the disk, and looks at what comes of it:
//   LD_PRELOAD=libproof-fail.so proof-faults [--stride N] [--seed S]
// With a stride only every N-th call is failed, beginning with a random one. ONLY in the
// environment names one operation, or "links", which link_faults.hh is about.
#include "failer.hh"
#include "link_faults.hh"
#include "program.hh"
#include "scratch.hh"
#include "workload.hh"

#include <cinch/core/error.hh>
#include <cinch/local/database_rebuild.hh>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cinch::proof {
namespace {

constexpr auto trial_time_max = std::chrono::seconds(30);

struct Fault {
  const char* title;
  int error;
  FailKind kind;
};
constexpr Fault faults[] = {
    {"EIO once", EIO, FailKind::once},
    {"ENOSPC from there on", ENOSPC, FailKind::from_there_on},
    {"EDQUOT once", EDQUOT, FailKind::once},
    {"EMFILE from there on", EMFILE, FailKind::opening_from_there_on},
};

// What a child found out, in memory that it shares with its parent.
struct Outcome {
  bool reached;                   // there were as many calls as that
  std::array<char, 32> call;      // the one that was refused
  std::array<char, 2000> answer;  // the error; empty: it succeeded
  std::array<char, 4000> problem;
};

template <std::size_t size>
void put(std::array<char, size>& field, const std::string& text) {
  const std::size_t length = std::min(size - 1, text.size());
  std::copy_n(text.begin(), length, field.begin());
  field[length] = '\0';
}

std::string join(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "; ";
  return text;
}

class Trials {
 public:
  explicit Trials(const Arguments& arguments) : stride_(arguments.count), random_(arguments.seed) {
    void* memory =
        ::mmap(nullptr, sizeof(Outcome), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw system_error(errno, "cannot share", "memory");
    outcome_ = static_cast<Outcome*>(memory);
  }

  int run() {
    std::vector<std::string> names = {"open", "create", "rebuild", "rebuild what is lost"};
    for (const auto& operation : Workload::operations()) names.emplace_back(operation.name);
    const char* only = std::getenv("ONLY");
    for (const std::string& name : names) {
      if (!only || name == only) walk(name);
    }
    std::cout << "# " << trials_ << " calls failed: " << refused_ << " times an error, "
              << trials_ - refused_ << " times not, after";
    for (const auto& [name, count] : tolerated_) std::cout << ' ' << name << ' ' << count;
    std::cout << '\n' << (problems_ ? "not ok" : "ok: no failing call does harm") << '\n';
    return problems_ ? 1 : 0;
  }

 private:
  void walk(const std::string& operation) {
    for (const Fault& fault : faults) {
      const std::uint64_t before = trials_;
      std::uint64_t at = 1 + random_() % stride_;
      while (trial(operation, fault, at)) {
        ++trials_;
        at += stride_;
      }
      std::cout << "# " << operation << ", " << fault.title << ": " << trials_ - before << " calls"
                << std::endl;
    }
  }

  LocalStoreOptions options() const {
    LocalStoreOptions options;
    options.root = scratch_.path("root");
    options.fsync_store_paths = true;
    return options;
  }

  // Something for the operation to work on: objects with and without roots.
  StorePathSet prepare(std::uint64_t seed) {
    // Made anew, so that an operation makes as many calls each time.
    if (scratch_.directory().stat("links")) {
      scratch_.directory().open_directory("links").remove_tree("elsewhere");
    }
    const auto store = LocalStore::open(options());
    Workload workload(*store, scratch_.path("links"), seed, promises_);
    constexpr std::size_t roots_max = 12;
    while (promises_.held().size() > roots_max) workload.remove_root();
    for (const char* step : {"add an object", "add text", "add a derivation", "add a root"}) {
      workload.run(step);
    }
    return store->all_valid_paths();
  }

  // False: the operation makes fewer calls.
  bool trial(const std::string& operation, const Fault& fault, std::uint64_t at) {
    *outcome_ = {};
    const std::uint64_t seed = random_();
    const StorePathSet before = prepare(seed);
    if (operation == "create") reset();
    if (operation == "rebuild what is lost") lose_database();
    const pid_t child = ::fork();
    if (child < 0) throw system_error(errno, "cannot start", "a child process");
    if (child == 0) {
      try {
        work(operation, fault, at, seed);
      } catch (const std::exception& error) {
        put(outcome_->problem, std::string("afterwards: ") + error.what());
      }
      ::_exit(0);
    }
    std::string problem = wait(child);
    if (problem.empty()) problem = outcome_->problem.data();
    if (problem.empty()) problem = look(operation, before);
    if (!problem.empty()) {
      ++problems_;
      std::cout << "not ok: " << operation << ", call " << at << " (" << outcome_->call.data()
                << ") fails with " << fault.title << ": " << problem
                << "\n#   it answered: " << outcome_->answer.data() << std::endl;
      reset();
    }
    if (!outcome_->reached) return false;
    if (outcome_->answer[0] == '\0') {
      ++tolerated_[outcome_->call.data()];
    } else {
      ++refused_;
    }
    return true;
  }

  void work(const std::string& operation, const Fault& fault, std::uint64_t at,
            std::uint64_t seed) {
    std::unique_ptr<LocalStore> store;
    std::optional<Workload> workload;
    const bool opens = operation == "open" || operation == "create";
    const bool rebuilds = operation.starts_with("rebuild");
    const auto begin = [&] {
      if (!store) store = LocalStore::open(options());
      workload.emplace(*store, scratch_.path("links"), seed + 1, promises_);
    };
    if (!opens && !rebuilds) begin();
    failer_.arm(at, fault.error, fault.kind);
    std::optional<Error> error;
    try {
      if (opens) {
        store = LocalStore::open(options());
      } else if (rebuilds) {
        rebuild_database(options());
      } else {
        workload->run(operation);
      }
    } catch (const Error& thrown) {
      error = thrown;
    }
    failer_.disarm();
    outcome_->reached = failer_.name() != nullptr;
    if (outcome_->reached) put(outcome_->call, failer_.name());
    if (error) put(outcome_->answer, error->what());
    if (error && !outcome_->reached) throw Error(*error);
    if (error) check_clear(*error);
    if (rebuilds) rebuild_database(options());
    // The same store goes on.
    if (!workload) begin();
    const std::vector<std::string> damage = find_damage(*store, &promises_);
    if (!damage.empty()) put(outcome_->problem, "damage seen by the same store: " + join(damage));
    workload->run("add a tree");
  }

  void check_clear(const Error& error) {
    if (error.code() == Code::internal || error.message().empty()) {
      put(outcome_->problem, "this is no clear error");
    } else if (error.subject().empty() && error.message().find('/') == std::string::npos) {
      put(outcome_->problem, "the error does not say what it is about");
    }
  }

  static std::string wait(pid_t child) {
    const auto end = std::chrono::steady_clock::now() + trial_time_max;
    int status = 0;
    for (;;) {
      if (::waitpid(child, &status, WNOHANG) == child) break;
      if (std::chrono::steady_clock::now() > end) {
        ::kill(child, SIGKILL);
        ::waitpid(child, &status, 0);
        return "it hangs";
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
    return WEXITSTATUS(status) == 0 ? "" : "status " + std::to_string(WEXITSTATUS(status));
  }

  // With a store of its own, that knows nothing of the failure.
  std::string look(const std::string& operation, const StorePathSet& before) {
    const auto store = LocalStore::open(options());
    const auto elsewhere = open_elsewhere(scratch_.path("links"));
    std::vector<std::string> damage = find_damage(*store, &promises_, elsewhere.get());
    if (!damage.empty()) return "damage: " + join(damage);
    const StorePathSet valid = store->all_valid_paths();
    if (operation != "collect" && operation != "delete" && operation != "create" &&
        !std::ranges::includes(valid, before)) {
      return "valid paths are lost";
    }
    store->collect_garbage({});
    damage = find_damage(*store, &promises_);
    if (!damage.empty()) return "damage after a collection: " + join(damage);
    const std::vector<std::string> litter = find_litter(*store, scratch_.path("root/nix/store"));
    return litter.empty() ? "" : "litter after a collection: " + join(litter);
  }

  void lose_database() {
    const Directory db = Directory::open(scratch_.path("root/nix/var/nix/db"));
    for (const DirectoryEntry& entry : db.list()) {
      if (entry.name.starts_with("db.sqlite")) db.unlink(entry.name);
    }
  }

  void reset() {
    scratch_.directory().remove_tree("root");
    scratch_.directory().remove_tree("links");
    for (Promises::Root& root : promises_.roots) root.holds = false;
  }

  std::uint64_t stride_;
  std::mt19937_64 random_;
  Failer failer_;
  Outcome* outcome_;
  Promises& promises_ = Promises::share();
  test::Scratch scratch_;
  std::uint64_t trials_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t problems_ = 0;
  std::map<std::string, int> tolerated_;
};

int main_of(const Arguments& arguments) {
  std::cout << "# --stride " << arguments.count << " --seed " << arguments.seed << std::endl;
  const char* only = std::getenv("ONLY");
  const bool good = (only && std::string_view(only) != "links") || run_link_faults();
  return Trials(arguments).run() == 0 && good ? 0 : 1;
}

}  // namespace
}  // namespace cinch::proof

int main(int count, char** words) {
  return cinch::proof::run_main(count, words, {.option = "--stride", .count = 1},
                                cinch::proof::main_of);
}
