#include "nix.hh"

#include "vectors.hh"

#include <cinch/core/error.hh>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cinch::test {
namespace {

std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string rest = path ? path : "";
  while (!rest.empty()) {
    const std::string folder = rest.substr(0, rest.find(':'));
    rest.erase(0, folder.size() + 1);
    const std::string file = folder + "/" + name;
    if (::access(file.c_str(), X_OK) == 0) return file;
  }
  return {};
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

pid_t spawn(std::vector<std::string> command, const std::map<std::string, std::string>& variables,
            const std::string& output, const std::string& errors) {
  std::vector<std::string> environment;
  for (const auto& [name, value] : variables) environment.push_back(name + "=" + value);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), flags, 0600);
  posix_spawn_file_actions_addopen(&actions, 2, errors.c_str(), flags, 0600);
  pid_t process = -1;
  const std::string program = find_program(command.front());
  const int failure = ::posix_spawn(&process, program.c_str(), &actions, nullptr,
                                    pointers(command).data(), pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) throw system_error(failure, "cannot start", command.front());
  return process;
}

int wait_for(pid_t process) {
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool has_ended(pid_t process) { return ::waitpid(process, nullptr, WNOHANG) != 0; }

// The socket is there a moment before somebody listens to it. (To connect in order to see would
// have the daemon open its new store, at the same time as for the first client.)
bool is_listened_to(const std::string& socket) {
  std::ifstream sockets("/proc/net/unix");
  for (std::string line; std::getline(sockets, line);) {
    std::istringstream words(line);
    std::string skipped, flags, name;
    words >> skipped >> skipped >> skipped >> flags >> skipped >> skipped >> skipped >> name;
    if (name == socket && flags == "00010000") return true;
  }
  return false;
}

std::string user_name() {
  const struct passwd* user = ::getpwuid(::geteuid());
  return user ? user->pw_name : "root";
}

}  // namespace

bool has_nix() { return !find_program("nix-daemon").empty() && !find_program("nix-store").empty(); }

NixWorld::NixWorld(const std::string& features) {
  const char* path = std::getenv("PATH");
  environment = {{"PATH", path ? path : "/usr/bin:/bin"},
                 {"HOME", scratch_.path("home")},
                 {"NIX_STORE_DIR", store_dir()},
                 {"NIX_STATE_DIR", scratch_.path("state")},
                 {"NIX_LOG_DIR", scratch_.path("log")},
                 {"NIX_CONF_DIR", scratch_.path("conf")},
                 {"NIX_LOCALSTATE_DIR", scratch_.path("localstate")},
                 {"NIX_DAEMON_SOCKET_PATH", socket()},
                 {"NIX_CONFIG", "trusted-users = " + user_name() +
                                    "\nbuild-users-group =\nsandbox = false\nsubstitute = false\n"
                                    "substituters =\nexperimental-features = " +
                                    features}};
}

Finished NixWorld::run(const std::vector<std::string>& command, const std::string& remote) const {
  std::map<std::string, std::string> variables = environment;
  if (!remote.empty()) variables["NIX_REMOTE"] = remote;
  const std::string output = scratch_.path("output");
  const std::string errors = scratch_.path("errors");
  const int status = wait_for(spawn(command, variables, output, errors));
  return {.status = status, .output = read_file(output), .errors = read_file(errors)};
}

std::string NixWorld::nix(const std::vector<std::string>& command) const {
  const Finished finished = run(command, "unix://" + socket());
  if (finished.status == 0) return finished.output;
  std::string line;
  for (const std::string& word : command) line += word + " ";
  throw std::runtime_error(line + "failed: " + finished.errors);
}

NixDaemon::NixDaemon(const NixWorld& world)
    : process_(spawn({"nix-daemon", "--store", "local"}, world.environment,
                     world.scratch().path("daemon-output"),
                     world.scratch().path("daemon-errors"))) {
  for (int tries = 0; tries < 500 && !is_listened_to(world.socket()); ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

// It overlooks a signal that comes just before it waits for a connection.
NixDaemon::~NixDaemon() {
  constexpr int patience = 100;
  for (int tries = 0; !has_ended(process_); ++tries) {
    ::kill(process_, tries < patience ? SIGTERM : SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace cinch::test
