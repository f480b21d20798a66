#include "nix_guest.hh"

#include "run_program.hh"

#include <cinch/core/error.hh>
#include <cinch/files/directory.hh>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <utility>

namespace cinch::proof {

NixGuest::NixGuest(std::string folder, std::uint64_t seed, Promises& promises)
    : folder_(std::move(folder)), random_(seed), promises_(promises) {
  std::filesystem::create_directories(folder_ + "/guest");
}

// Not its verification: Nix 2.8 takes from the database what is added while it looks.
void NixGuest::step() {
  constexpr unsigned kinds = 10;
  switch (random_() % kinds) {
    case 0:
      collect();
      break;
    case 1:
      optimise();
      break;
    case 2:
      require({"--gc", "--print-dead"});
      break;
    case 3:
    case 4:
      remove_root();
      break;
    default:
      add_and_root();
  }
  ++promises_.done;
}

NixGuest::Answer NixGuest::run(const std::vector<std::string>& words) const {
  std::vector<std::string> command = {"nix-store", "--store", "local?root=" + folder_ + "/root"};
  command.insert(command.end(), words.begin(), words.end());
  const std::string home = folder_ + "/guest";
  test::ProgramResult result =
      test::run_program(std::move(command),
                        {"PATH=/usr/bin:/bin", "HOME=" + home, "NIX_CONF_DIR=" + home,
                         "NIX_CONFIG=build-users-group =\nsubstituters =\nfsync-metadata = false"});
  if (result.status != 0) return {false, std::move(result.errors)};
  while (result.output.ends_with('\n')) result.output.pop_back();
  return {true, std::move(result.output)};
}

std::string NixGuest::require(const std::vector<std::string>& words) const {
  Answer answer = run(words);
  if (answer.good) return std::move(answer.text);
  throw Error(Code::internal, "nix-store " + words.front() + " failed: " + answer.text);
}

// One object by name: what Nix 2.8 collects as a whole may be a path that became a root after the
// collector had looked at it, if others refer to it (github.com/NixOS/nix/pull/15992). Its
// collectors may die of a client that is gone before they have noted it.
void NixGuest::collect() {
  const std::vector<DirectoryEntry> objects = Directory::open(folder_ + "/root/nix/store").list();
  if (objects.empty()) return;
  const std::string& name = objects[random_() % objects.size()].name;
  if (name.size() <= store_path_hash_part_length || name.front() == '.') return;
  const Answer answer = run({"--delete", "/nix/store/" + name});
  const auto says = [&](const char* words) { return answer.text.find(words) != std::string::npos; };
  if (answer.good || says("still alive") || says("illegal base-32 char")) return;
  if (!says("terminate called without an active exception")) {
    throw Error(Code::internal, "nix-store --delete failed: " + answer.text);
  }
  std::cout << "# a collector of Nix has died" << std::endl;
}

// Nix gives up where a collector takes a file away that it is looking at.
void NixGuest::optimise() {
  const Answer answer = run({"--optimise"});
  if (answer.good) return;
  const auto names = [&](const std::string& words) {
    return answer.text.find(words) != std::string::npos;
  };
  if (!names("'" + folder_ + "/root/nix/store/") || !names(": No such file or directory")) {
    throw Error(Code::internal, "nix-store --optimise failed: " + answer.text);
  }
  std::cout << "# an optimiser of Nix has given up" << std::endl;
}

// What it has added has no root between the two programs, so that it may be gone; and Nix looks
// whether it is there before it makes the root, not after.
void NixGuest::add_and_root() {
  const std::size_t slot = random_() % promises_.roots.size();
  Promises::Root& root = promises_.roots[slot];
  if (root.holds) return;
  const Directory home = Directory::open(folder_ + "/guest");
  home.write_file("guest", std::to_string(random_()), 0644);
  const std::string path = require({"--add", folder_ + "/guest/guest"});
  const std::string link = folder_ + "/guest/link-" + std::to_string(slot);
  const Answer answer = run({"--realise", path, "--add-root", link, "--indirect"});
  if (!run({"--check-validity", path}).good) return;
  if (!answer.good) throw Error(Code::internal, "nix-store --realise failed: " + answer.text);
  const std::string name = std::filesystem::path(path).filename();
  *std::copy(name.begin(), name.end(), root.path.begin()) = '\0';
  root.holds = true;
}

void NixGuest::remove_root() {
  const std::size_t slot = random_() % promises_.roots.size();
  promises_.roots[slot].holds = false;
  std::filesystem::remove(folder_ + "/guest/link-" + std::to_string(slot));
}

}  // namespace cinch::proof
