#include "decode_to.hh"
#include "hash_part_table.hh"

#include <cinch/core/error.hh>
#include <cinch/core/references.hh>

#include <algorithm>
#include <array>

namespace cinch {

using nix32_runs::hash_part_length;
using nix32_runs::tail_max;

namespace {

std::vector<std::string_view> hash_parts_of(const std::vector<StorePath>& paths) {
  std::vector<std::string_view> parts;
  parts.reserve(paths.size());
  for (const StorePath& path : paths) parts.push_back(path.hash_part());
  return parts;
}

}  // namespace

struct ReferenceScanner::State {
  explicit State(const StorePathSet& paths)
      : candidates(paths.begin(), paths.end()),
        table(hash_parts_of(candidates)),
        is_found(paths.size()) {}

  void scan(const std::byte* data, std::size_t size);
  void look_up_run(const std::byte* data, std::size_t size);

  std::vector<StorePath> candidates;
  HashPartTable table;
  std::vector<bool> is_found;
  std::vector<std::size_t> found;  // in any order

  // The nix32 characters that ended the bytes so far, at most 31.
  std::array<std::byte, tail_max> tail;
  std::size_t tail_size = 0;
};

ReferenceScanner::ReferenceScanner(const StorePathSet& candidates)
    : state_(std::make_unique<State>(candidates)) {}
ReferenceScanner::ReferenceScanner(ReferenceScanner&&) noexcept = default;
ReferenceScanner::~ReferenceScanner() = default;

void ReferenceScanner::write(Bytes bytes) {
  State& state = *state_;
  if (state.found.size() == state.candidates.size() || bytes.empty()) return;

  // What straddles the border between the bytes so far and these.
  const std::size_t head_size = std::min(bytes.size(), tail_max);
  if (state.tail_size != 0 && nix32_runs::is_nix32(bytes.front())) {
    std::array<std::byte, 2 * tail_max> border;
    std::copy_n(state.tail.data(), state.tail_size, border.data());
    std::copy_n(bytes.data(), head_size, border.data() + state.tail_size);
    state.scan(border.data(), state.tail_size + head_size);
  }
  state.scan(bytes.data(), bytes.size());

  const std::size_t run = nix32_runs::tail_of(bytes);
  const std::size_t kept = run == bytes.size() ? std::min(state.tail_size, tail_max - run) : 0;
  std::copy_n(state.tail.data() + state.tail_size - kept, kept, state.tail.data());
  std::copy_n(bytes.data() + bytes.size() - run, run, state.tail.data() + kept);
  state.tail_size = kept + run;
}

StorePathSet ReferenceScanner::found() const {
  StorePathSet paths;
  for (const std::size_t index : state_->found) paths.insert(state_->candidates[index]);
  return paths;
}

StorePathSet ReferenceScanner::take_found() {
  StorePathSet paths = found();
  for (const std::size_t index : state_->found) state_->is_found[index] = false;
  state_->found.clear();
  state_->tail_size = 0;
  return paths;
}

void ReferenceScanner::State::scan(const std::byte* data, std::size_t size) {
  nix32_runs::visit_runs(data, size, [&](std::size_t begin, std::size_t end) {
    look_up_run(data + begin, end - begin);
  });
}

// REQUIRES: only nix32 characters.
void ReferenceScanner::State::look_up_run(const std::byte* data, std::size_t size) {
  const auto note = [this](std::size_t index) {
    if (is_found[index]) return;
    is_found[index] = true;
    found.push_back(index);
  };
  for (std::size_t i = 0; i + hash_part_length <= size; ++i) table.find(data + i, note);
}

}  // namespace cinch
