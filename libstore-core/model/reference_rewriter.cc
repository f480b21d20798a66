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

constexpr std::size_t piece_bytes = std::size_t{64} << 10;

std::vector<std::string_view> keys_of(const ReferenceRewriter::HashParts& rewrites) {
  std::vector<std::string_view> keys;
  for (const auto& [from, to] : rewrites) {
    if (from.size() != hash_part_length || !is_nix32(from)) {
      throw Error(Code::invalid_argument, "only hash parts of 32 nix32 characters can be replaced")
          .about(from);
    }
    if (to.size() != hash_part_length) {
      throw Error(Code::invalid_argument, "a hash part can only be replaced by 32 bytes").about(to);
    }
    keys.push_back(from);
  }
  return keys;
}

}  // namespace

struct ReferenceRewriter::State {
  State(HashParts parts, Sink& to, OnMatch observer)
      : rewrites(std::move(parts)),
        table(keys_of(rewrites)),
        next(to),
        on_match(std::move(observer)) {
    for (const auto& [from, replacement] : rewrites) replacements.push_back(replacement);
  }

  void rewrite();
  void rewrite_run(std::size_t begin, std::size_t end);
  void pass(std::size_t count);

  const HashParts rewrites;
  HashPartTable table;
  std::vector<std::string_view> replacements;
  Sink& next;
  OnMatch on_match;

  std::uint64_t passed = 0;   // bytes that went to `next`
  std::size_t used = 0;       // bytes in the buffer
  std::size_t rewritten = 0;  // where in the buffer the last replacement ended: no match before it
  std::array<std::byte, piece_bytes + tail_max> buffer;
};

ReferenceRewriter::ReferenceRewriter(HashParts rewrites, Sink& next, OnMatch on_match)
    : state_(new State(std::move(rewrites), next, std::move(on_match))) {}
ReferenceRewriter::~ReferenceRewriter() = default;

void ReferenceRewriter::write(Bytes bytes) {
  State& state = *state_;
  if (state.rewrites.empty()) return state.next.write(bytes);
  while (!bytes.empty()) {
    const std::size_t count = std::min(bytes.size(), state.buffer.size() - state.used);
    std::copy_n(bytes.data(), count, state.buffer.data() + state.used);
    state.used += count;
    bytes = bytes.subspan(count);
    state.rewrite();
  }
}

void ReferenceRewriter::finish() { state_->pass(state_->used); }

// Replaces what the buffer holds and passes it on, but for an end that a hash part may begin in.
void ReferenceRewriter::State::rewrite() {
  nix32_runs::visit_runs(buffer.data(), used,
                         [&](std::size_t begin, std::size_t end) { rewrite_run(begin, end); });
  const std::size_t tail = nix32_runs::tail_of(Bytes(buffer).first(used));
  pass(used - std::min(tail, used - rewritten));
}

void ReferenceRewriter::State::rewrite_run(std::size_t begin, std::size_t end) {
  for (std::size_t i = std::max(begin, rewritten); i + hash_part_length <= end;) {
    const std::string_view* replacement = nullptr;
    table.find(buffer.data() + i, [&](std::size_t index) { replacement = &replacements[index]; });
    if (replacement == nullptr) {
      ++i;
      continue;
    }
    std::copy_n(as_bytes(*replacement).data(), hash_part_length, buffer.data() + i);
    if (on_match) on_match(passed + i);
    i += hash_part_length;
    rewritten = i;
  }
}

void ReferenceRewriter::State::pass(std::size_t count) {
  if (count == 0) return;
  next.write(Bytes(buffer).first(count));
  std::copy(buffer.begin() + static_cast<std::ptrdiff_t>(count),
            buffer.begin() + static_cast<std::ptrdiff_t>(used), buffer.begin());
  passed += count;
  used -= count;
  rewritten -= std::min(rewritten, count);
}

}  // namespace cinch
