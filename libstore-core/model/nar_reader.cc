// The reader works in blocks. A block is what stands between two decisions: some fixed tokens, then
// a length, or a text whose length is known. Each phase says how many bytes its block has; a block
// is looked at in the lent input, or, when it straddles two inputs, in a carry buffer.
//
// Invariants: open_ is the number of directories that have begun and not ended; names_[i] is the
// last name in the directory number i + 1; block bytes are at most carry_.size().

#include "nar_tokens.hh"

#include <cinch/core/error.hh>
#include <cinch/core/nar.hh>

#include <algorithm>
#include <array>
#include <cstring>

namespace cinch {

namespace {

enum class Phase : std::uint8_t {
  magic,            // "nix-archive-1"
  node,             // "(" "type" and 16 bytes of the type
  directory_tail,   // the last 8 bytes of "directory"
  file_head,        // "contents" <length>, or "executable"
  executable_tail,  // "" "contents" <length>
  file_contents,
  file_end,     // padding, ")"
  target_head,  // "target" <length>
  target,       // the target, padding, ")"
  next,         // "entry" or ")"
  name_head,    // "(" "name" <length>
  name,         // the name, padding, "node"
  after_node,   // ")" that ends an entry, then "entry" or ")"
  finished,
  failed,
};

constexpr auto no_event = NarReader::Step::need_input;

constexpr std::size_t length_bytes = 8;
constexpr std::size_t type_bytes = nar::regular.size();
constexpr std::size_t close_bytes = nar::close.size();
constexpr std::size_t node_bytes = nar::node.size() + type_bytes;
// The shortest that follows a node's type: an empty directory.
constexpr std::size_t node_rest_bytes = nar::directory.size() - type_bytes + close_bytes;
// What certainly follows a node inside a directory: the ends of its entry and of the directory.
constexpr std::size_t enclosing_bytes = 2 * close_bytes;
constexpr std::size_t carry_bytes = nar::padded(nar_target_bytes_max) + close_bytes;

static_assert(nar::symlink.size() == type_bytes && nar::directory.size() == type_bytes + 8);
static_assert(nar::executable.size() == nar::contents.size() + length_bytes);
static_assert(nar::entry.size() == close_bytes);
static_assert(nar::padded(nar_name_bytes_max) + nar::entry_node.size() <= carry_bytes);

template <std::size_t Size>
bool is(const std::byte* bytes, const std::array<std::byte, Size>& literal) {
  return std::memcmp(bytes, literal.data(), Size) == 0;
}

const char* chars(const std::byte* bytes) { return reinterpret_cast<const char*>(bytes); }

struct Name {
  std::uint8_t length = 0;
  std::array<char, nar_name_bytes_max> text;
  std::string_view view() const { return {text.data(), length}; }
};

}  // namespace

struct NarReader::State {
  State() {}  // Leaves the buffers as they are: filling them would cost more than a small NAR.

  Step step();
  Step read_block(const std::byte* block);
  Step read_type(const std::byte* block);
  Step read_directory_tail(const std::byte* block);
  Step read_file_head(const std::byte* block);
  Step read_executable_tail(const std::byte* block);
  Step read_contents();
  Step read_file_end(const std::byte* block);
  Step read_target_head(const std::byte* block);
  Step read_target(const std::byte* block);
  Step read_next(const std::byte* block);
  Step read_name_head(const std::byte* block);
  Step read_name(const std::byte* block);
  Step begin_file(const std::byte* length, bool executable);
  Step end_node(Step event);

  std::size_t block_bytes() const;
  std::uint64_t rest_bytes() const;
  const std::byte* take(std::size_t count);
  Step starve();

  template <std::size_t Size>
  void expect(const std::byte* bytes, const std::array<std::byte, Size>& literal,
              const char* message);
  void expect_zeros(const std::byte* bytes, std::uint64_t count);
  void read_text_length(const std::byte* length, std::uint64_t length_max, const char* what);
  [[noreturn]] void refuse(const std::byte* where, std::string message,
                           Code code = Code::malformed);

  Bytes input_;
  const std::byte* block_ = nullptr;  // the block that is being read; it began at block_start_
  std::uint64_t block_start_ = 0;
  std::uint64_t consumed_ = 0;   // complete blocks and contents
  std::uint64_t size_ = 0;       // of the file
  std::uint64_t remaining_ = 0;  // of the file's contents
  Bytes contents_;
  std::string_view target_;
  std::size_t text_length_ = 0;  // of the name or target that comes next
  std::size_t carried_ = 0;
  std::uint32_t open_ = 0;
  Phase phase_ = Phase::magic;
  bool executable_ = false;
  bool ended_ = false;
  std::array<std::byte, carry_bytes> carry_;
  std::array<Name, nar_depth_max> names_;
};

NarReader::NarReader() : state_(std::make_unique<State>()) {}
NarReader::NarReader(NarReader&&) noexcept = default;
NarReader::~NarReader() = default;

NarReader::Step NarReader::step() { return state_->step(); }

void NarReader::put(Bytes input) {
  if (!state_->input_.empty()) {
    throw Error(Code::invalid_argument, "a NAR reader was given input that it did not ask for");
  }
  state_->input_ = input;
}

void NarReader::end_input() { state_->ended_ = true; }

std::string_view NarReader::name() const {
  return state_->open_ == 0 ? std::string_view() : state_->names_[state_->open_ - 1].view();
}
std::string_view NarReader::target() const { return state_->target_; }
std::uint64_t NarReader::size_bytes() const { return state_->size_; }
bool NarReader::executable() const { return state_->executable_; }
Bytes NarReader::contents() const { return state_->contents_; }
std::size_t NarReader::unread() const { return state_->input_.size(); }
std::uint64_t NarReader::offset() const { return state_->consumed_ + state_->carried_; }

std::uint64_t NarReader::needed() const {
  const State& state = *state_;
  if (state.phase_ >= Phase::finished) return 1;
  return state.remaining_ + state.block_bytes() - state.carried_ + state.rest_bytes();
}

NarReader::Step NarReader::State::step() {
  for (;;) {
    if (phase_ == Phase::file_contents) return read_contents();
    if (phase_ == Phase::finished) return Step::finished;
    if (phase_ == Phase::failed) {
      throw Error(Code::invalid_argument, "this NAR was refused before").at(consumed_);
    }
    const std::byte* block = take(block_bytes());
    if (block == nullptr) return starve();
    const Step event = read_block(block);
    if (event != no_event) return event;
  }
}

NarReader::Step NarReader::State::read_block(const std::byte* block) {
  switch (phase_) {
    case Phase::magic:
      expect(block, nar::magic, "this is not a NAR: it does not start with 'nix-archive-1'");
      phase_ = Phase::node;
      return no_event;
    case Phase::node:
      return read_type(block);
    case Phase::directory_tail:
      return read_directory_tail(block);
    case Phase::file_head:
      return read_file_head(block);
    case Phase::executable_tail:
      return read_executable_tail(block);
    case Phase::file_end:
      return read_file_end(block);
    case Phase::target_head:
      return read_target_head(block);
    case Phase::target:
      return read_target(block);
    case Phase::next:
      return read_next(block);
    case Phase::name_head:
      return read_name_head(block);
    case Phase::name:
      return read_name(block);
    case Phase::after_node:
      expect(block, nar::close, "expected ')' after the node of an entry");
      return read_next(block + close_bytes);
    case Phase::file_contents:
    case Phase::finished:
    case Phase::failed:
      break;
  }
  throw Error(Code::internal, "the NAR reader has no block to read");
}

NarReader::Step NarReader::State::read_type(const std::byte* block) {
  expect(block, nar::node, "expected '(' and 'type'");
  const std::byte* type = block + nar::node.size();
  if (is(type, nar::regular)) {
    phase_ = Phase::file_head;
  } else if (is(type, nar::symlink)) {
    phase_ = Phase::target_head;
  } else if (std::memcmp(type, nar::directory.data(), type_bytes) == 0) {
    phase_ = Phase::directory_tail;
  } else {
    refuse(type, "expected 'regular', 'directory' or 'symlink'");
  }
  return no_event;
}

NarReader::Step NarReader::State::read_directory_tail(const std::byte* block) {
  if (block[0] != nar::directory[type_bytes]) refuse(block, "expected 'directory'");
  expect_zeros(block + 1, nar::directory.size() - type_bytes - 1);
  names_[open_++].length = 0;
  phase_ = Phase::next;
  return Step::directory;
}

NarReader::Step NarReader::State::read_file_head(const std::byte* block) {
  if (is(block, nar::contents)) return begin_file(block + nar::contents.size(), false);
  expect(block, nar::executable, "expected 'executable' or 'contents'");
  phase_ = Phase::executable_tail;
  return no_event;
}

NarReader::Step NarReader::State::read_executable_tail(const std::byte* block) {
  expect(block, nar::executable_marker, "expected an empty string, then 'contents'");
  return begin_file(block + nar::executable_marker.size(), true);
}

NarReader::Step NarReader::State::begin_file(const std::byte* length, bool executable) {
  const std::uint64_t size = nar::load_length(length);
  if (size > nar_file_bytes_max) {
    refuse(length, "a file of " + std::to_string(size) + " bytes is larger than files can be",
           Code::limit_exceeded);
  }
  size_ = size;
  remaining_ = size;
  executable_ = executable;
  phase_ = size == 0 ? Phase::file_end : Phase::file_contents;
  return Step::file;
}

NarReader::Step NarReader::State::read_contents() {
  if (input_.empty()) return starve();
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, input_.size()));
  contents_ = input_.first(count);
  input_ = input_.subspan(count);
  consumed_ += count;
  remaining_ -= count;
  if (remaining_ == 0) phase_ = Phase::file_end;
  return Step::contents;
}

NarReader::Step NarReader::State::read_file_end(const std::byte* block) {
  const std::uint64_t padding = nar::padding_of(size_);
  expect_zeros(block, padding);
  expect(block + padding, nar::close, "expected ')' after the contents of a file");
  return end_node(Step::leave);
}

NarReader::Step NarReader::State::read_target_head(const std::byte* block) {
  expect(block, nar::target, "expected 'target'");
  read_text_length(block + nar::target.size(), nar_target_bytes_max, "a symlink's target");
  phase_ = Phase::target;
  return no_event;
}

NarReader::Step NarReader::State::read_target(const std::byte* block) {
  const std::uint64_t padding = nar::padding_of(text_length_);
  target_ = {chars(block), text_length_};
  if (const char* fault = nar::fault_of_target(target_.data(), target_.size())) {
    refuse(block, fault);
  }
  expect_zeros(block + text_length_, padding);
  expect(block + text_length_ + padding, nar::close, "expected ')' after the target of a symlink");
  return end_node(Step::symlink);
}

// REQUIRES: a directory is open.
NarReader::Step NarReader::State::read_next(const std::byte* block) {
  if (is(block, nar::entry)) {
    if (open_ == nar_depth_max) {
      refuse(block, "nodes are nested more than 64 deep", Code::limit_exceeded);
    }
    phase_ = Phase::name_head;
    return no_event;
  }
  expect(block, nar::close, "expected 'entry' or ')'");
  --open_;
  return end_node(Step::leave);
}

NarReader::Step NarReader::State::read_name_head(const std::byte* block) {
  expect(block, nar::entry_name, "expected '(' and 'name'");
  read_text_length(block + nar::entry_name.size(), nar_name_bytes_max, "an entry's name");
  phase_ = Phase::name;
  return no_event;
}

NarReader::Step NarReader::State::read_name(const std::byte* block) {
  const std::uint64_t padding = nar::padding_of(text_length_);
  const std::string_view name(chars(block), text_length_);
  if (const char* fault = nar::fault_of_name(name.data(), name.size())) refuse(block, fault);
  Name& last = names_[open_ - 1];
  if (last.length != 0 && name <= last.view()) {
    refuse(block, name == last.view() ? "a directory has two entries of the same name"
                                      : "the entries of a directory are not sorted by name");
  }
  expect_zeros(block + text_length_, padding);
  expect(block + text_length_ + padding, nar::entry_node, "expected 'node' after an entry's name");
  last.length = static_cast<std::uint8_t>(name.size());
  std::memcpy(last.text.data(), name.data(), name.size());
  phase_ = Phase::node;
  return Step::entry;
}

NarReader::Step NarReader::State::end_node(Step event) {
  phase_ = open_ == 0 ? Phase::finished : Phase::after_node;
  return event;
}

// How long the block is that this phase reads.
std::size_t NarReader::State::block_bytes() const {
  switch (phase_) {
    case Phase::magic:
      return nar::magic.size();
    case Phase::node:
      return node_bytes;
    case Phase::directory_tail:
      return nar::directory.size() - type_bytes;
    case Phase::file_head:
      return nar::contents.size() + length_bytes;
    case Phase::executable_tail:
      return nar::executable_marker.size() + length_bytes;
    case Phase::file_contents:
    case Phase::file_end:
      return static_cast<std::size_t>(nar::padding_of(size_)) + close_bytes;
    case Phase::target_head:
      return nar::target.size() + length_bytes;
    case Phase::target:
      return static_cast<std::size_t>(nar::padded(text_length_)) + close_bytes;
    case Phase::next:
      return close_bytes;
    case Phase::name_head:
      return nar::entry_name.size() + length_bytes;
    case Phase::name:
      return static_cast<std::size_t>(nar::padded(text_length_)) + nar::entry_node.size();
    case Phase::after_node:
      return 2 * close_bytes;
    case Phase::finished:
    case Phase::failed:
      break;
  }
  return 0;
}

// How many bytes follow this phase's block at least, if the NAR ends as soon as it can.
std::uint64_t NarReader::State::rest_bytes() const {
  const std::uint64_t enclosing = open_ * enclosing_bytes;
  switch (phase_) {
    case Phase::magic:
      return node_bytes + node_rest_bytes;
    case Phase::node:
      return node_rest_bytes + enclosing;
    case Phase::directory_tail:
    case Phase::file_head:
    case Phase::executable_tail:
      return close_bytes + enclosing;
    case Phase::target_head:
      return nar::alignment + close_bytes + enclosing;
    case Phase::name_head:
      return nar::alignment + nar::entry_node.size() + node_bytes + node_rest_bytes + enclosing;
    case Phase::name:
      return node_bytes + node_rest_bytes + enclosing;
    case Phase::next:
    case Phase::after_node:
      return enclosing - enclosing_bytes;
    case Phase::file_contents:
    case Phase::file_end:
    case Phase::target:
      return enclosing;
    case Phase::finished:
    case Phase::failed:
      break;
  }
  return 0;
}

// The next `count` bytes in one piece; null if the input does not hold all of them yet.
const std::byte* NarReader::State::take(std::size_t count) {
  if (carried_ == 0 && input_.size() >= count) {
    block_ = input_.data();
    input_ = input_.subspan(count);
  } else {
    const std::size_t more = std::min(count - carried_, input_.size());
    if (more != 0) std::memcpy(carry_.data() + carried_, input_.data(), more);
    input_ = input_.subspan(more);
    carried_ += more;
    if (carried_ < count) return nullptr;
    carried_ = 0;
    block_ = carry_.data();
  }
  block_start_ = consumed_;
  consumed_ += count;
  return block_;
}

NarReader::Step NarReader::State::starve() {
  if (!ended_) return Step::need_input;
  if (phase_ == Phase::magic && std::memcmp(carry_.data(), nar::magic.data(), carried_) != 0) {
    consumed_ = 0;
    block_start_ = 0;
    block_ = carry_.data();
    refuse(carry_.data(), "this is not a NAR: it does not start with 'nix-archive-1'");
  }
  phase_ = Phase::failed;
  throw Error(Code::malformed, "the NAR ends too early").at(consumed_ + carried_);
}

template <std::size_t Size>
void NarReader::State::expect(const std::byte* bytes, const std::array<std::byte, Size>& literal,
                              const char* message) {
  if (is(bytes, literal)) return;
  const auto [fault, unused] = std::mismatch(bytes, bytes + Size, literal.begin());
  refuse(fault, message);
}

void NarReader::State::expect_zeros(const std::byte* bytes, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    if (bytes[i] != std::byte{0}) refuse(bytes + i, "padding must be zero");
  }
}

void NarReader::State::read_text_length(const std::byte* length, std::uint64_t length_max,
                                        const char* what) {
  const std::uint64_t value = nar::load_length(length);
  if (value > length_max) {
    refuse(length,
           std::string(what) + " must not have more than " + std::to_string(length_max) +
               " bytes, this has " + std::to_string(value),
           Code::limit_exceeded);
  }
  if (value == 0) refuse(length, std::string(what) + " must not be empty");
  text_length_ = static_cast<std::size_t>(value);
}

// `where` points into the block that is being read.
void NarReader::State::refuse(const std::byte* where, std::string message, Code code) {
  phase_ = Phase::failed;
  const auto offset = static_cast<std::uint64_t>(where - block_);
  throw Error(code, std::move(message)).at(block_start_ + offset);
}

}  // namespace cinch
