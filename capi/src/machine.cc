#include "convert.hh"

#include <cinch/core/machine.hh>

#include <deque>
#include <set>

using cinch::Machine;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::lend;
using cinch::capi::view;

namespace {

std::string words_of(const std::set<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::set<std::string> set_of(std::string_view text) {
  std::set<std::string> words;
  while (!text.empty()) {
    const std::size_t length = std::min(text.find_first_of(" \t\n"), text.size());
    if (length > 0) words.emplace(text.substr(0, length));
    text.remove_prefix(std::min(length + 1, text.size()));
  }
  return words;
}

}  // namespace

struct cinch_machines {
  explicit cinch_machines(cinch::Machines value) : machines(std::move(value)) {
    for (const Machine& machine : machines.machines) list.push_back(describe(machine));
  }
  cinch_machines(const cinch_machines&) = delete;
  cinch_machines& operator=(const cinch_machines&) = delete;

  cinch::Machines machines;
  std::vector<cinch_machine> list;  // views into what follows, and into `machines`
  std::deque<std::string> texts;

 private:
  cinch_str keep(std::string text) { return lend(texts.emplace_back(std::move(text))); }

  cinch_machine describe(const Machine& machine) {
    return {.size = sizeof(cinch_machine),
            .jobs_max = machine.jobs_max,
            .speed_factor = machine.speed_factor,
            .store_url = lend(machine.store_url),
            .systems = keep(words_of(machine.systems)),
            .ssh_key = lend(machine.ssh_key),
            .supported_features = keep(words_of(machine.supported_features)),
            .mandatory_features = keep(words_of(machine.mandatory_features)),
            .ssh_host_key = lend(machine.ssh_host_key),
            .line = keep(cinch::print_machine(machine))};
  }
};

extern "C" {

cinch_error* cinch_machines_parse(cinch_str text, cinch_str default_systems,
                                  cinch_machines** machines_out) noexcept {
  return guarded([&] {
    cinch_machines*& out = deref(machines_out, "machines_out");
    out = new cinch_machines(cinch::parse_machines(view(text), set_of(view(default_systems))));
  });
}

size_t cinch_machines_count(const cinch_machines* machines) noexcept {
  return machines->list.size();
}

const cinch_machine* cinch_machines_at(const cinch_machines* machines, size_t index) noexcept {
  return index < machines->list.size() ? &machines->list[index] : nullptr;
}

size_t cinch_machines_files_count(const cinch_machines* machines) noexcept {
  return machines->machines.included_files.size();
}

cinch_str cinch_machines_file_at(const cinch_machines* machines, size_t index) noexcept {
  return cinch::capi::lend_at(machines->machines.included_files, index);
}

void cinch_machines_free(cinch_machines* machines) noexcept { delete machines; }

}  // extern "C"
