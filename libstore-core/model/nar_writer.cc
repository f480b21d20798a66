#include "nar_tokens.hh"

#include <cinch/core/error.hh>
#include <cinch/core/nar.hh>

#include <array>
#include <cstring>
#include <vector>

namespace cinch {

namespace {

constexpr std::size_t buffer_bytes = std::size_t{32} << 10;
// From here on, contents go to the sink as they are; below, copying them is cheaper than a call.
constexpr std::size_t direct_bytes_min = std::size_t{2} << 10;

enum class Phase : std::uint8_t { node, directory, file, finished };

[[noreturn]] void refuse(std::string message, std::string_view subject = {},
                         Code code = Code::invalid_argument) {
  throw Error(code, std::move(message)).about(std::string(subject));
}

}  // namespace

struct NarWriter::State {
  explicit State(Sink& to) : sink(to) {}

  template <std::size_t Size>
  void append(const std::array<std::byte, Size>& token);
  void append_contents(Bytes bytes);
  void append_text(std::string_view text);
  void append_padding(std::uint64_t size);
  void flush();
  void begin_node();
  void end_node();

  Sink& sink;
  Phase phase = Phase::node;
  std::uint64_t size = 0;       // of the file
  std::uint64_t remaining = 0;  // of the file's contents
  std::size_t open = 0;         // directories that have begun and not ended
  bool has_begun = false;
  std::vector<std::string> names;  // the last name in each of them, empty before the first
  std::size_t used = 0;
  std::array<std::byte, buffer_bytes> buffer;
};

// The size is known when this is compiled, so a token is a few moves.
template <std::size_t Size>
void NarWriter::State::append(const std::array<std::byte, Size>& token) {
  if (Size > buffer.size() - used) flush();
  std::memcpy(buffer.data() + used, token.data(), Size);
  used += Size;
}

NarVisitor::~NarVisitor() = default;

NarWriter::NarWriter(Sink& sink) : state_(new State(sink)) {}
NarWriter::~NarWriter() = default;

void NarWriter::directory() {
  State& state = *state_;
  state.begin_node();
  state.append(nar::directory);
  if (state.names.size() == state.open) state.names.emplace_back();
  state.names[state.open++].clear();
  state.phase = Phase::directory;
}

void NarWriter::entry(std::string_view name) {
  State& state = *state_;
  if (state.phase != Phase::directory) refuse("an entry must stand in a directory", name);
  if (state.open == nar_depth_max) {
    refuse("nodes are nested more than 64 deep", name, Code::limit_exceeded);
  }
  if (name.size() > nar_name_bytes_max) {
    refuse("an entry's name must not have more than 255 bytes", name.substr(0, nar_name_bytes_max),
           Code::limit_exceeded);
  }
  if (const char* fault = nar::fault_of_name(name.data(), name.size())) refuse(fault, name);
  std::string& last = state.names[state.open - 1];
  if (name <= last) {
    refuse(name == last ? "a directory has two entries of the same name"
                        : "the entries of a directory are not sorted by name",
           name);
  }
  last.assign(name);
  state.append(nar::entry);
  state.append(nar::entry_name);
  state.append_text(name);
  state.append(nar::entry_node);
  state.phase = Phase::node;
}

void NarWriter::file(std::uint64_t size_bytes, bool executable) {
  State& state = *state_;
  if (size_bytes > nar_file_bytes_max) {
    refuse("a file of " + std::to_string(size_bytes) + " bytes is larger than files can be", {},
           Code::limit_exceeded);
  }
  state.begin_node();
  state.append(nar::regular);
  if (executable) {
    state.append(nar::executable);
    state.append(nar::executable_marker);
  } else {
    state.append(nar::contents);
  }
  state.append(nar::store_length(size_bytes));
  state.size = size_bytes;
  state.remaining = size_bytes;
  state.phase = Phase::file;
}

void NarWriter::contents(Bytes bytes) {
  State& state = *state_;
  if (state.phase != Phase::file) refuse("contents must stand in a file");
  if (bytes.size() > state.remaining) refuse("a file has more contents than it announced");
  state.append_contents(bytes);
  state.remaining -= bytes.size();
}

void NarWriter::symlink(std::string_view target) {
  State& state = *state_;
  if (target.size() > nar_target_bytes_max) {
    refuse("a symlink's target must not have more than 4095 bytes", target.substr(0, 300),
           Code::limit_exceeded);
  }
  if (const char* fault = nar::fault_of_target(target.data(), target.size())) {
    refuse(fault, target);
  }
  state.begin_node();
  state.append(nar::symlink);
  state.append(nar::target);
  state.append_text(target);
  state.append(nar::close);
  state.end_node();
}

void NarWriter::leave() {
  State& state = *state_;
  if (state.phase == Phase::file) {
    if (state.remaining != 0) refuse("a file has fewer contents than it announced");
    state.append_padding(state.size);
  } else if (state.phase == Phase::directory) {
    --state.open;
  } else {
    refuse("there is no file or directory to leave");
  }
  state.append(nar::close);
  state.end_node();
}

void NarWriter::finish() {
  if (state_->phase != Phase::finished) refuse("the NAR is not complete");
  state_->flush();
}

void NarWriter::State::begin_node() {
  if (phase != Phase::node) refuse("a node must be the root or follow its entry's name");
  if (!has_begun) append(nar::magic);
  has_begun = true;
  append(nar::node);
}

void NarWriter::State::end_node() {
  if (open == 0) {
    phase = Phase::finished;
    return;
  }
  append(nar::close);  // of the entry
  phase = Phase::directory;
}

void NarWriter::State::append_contents(Bytes bytes) {
  if (bytes.size() > buffer.size() - used || bytes.size() >= direct_bytes_min) flush();
  if (bytes.size() >= direct_bytes_min) return sink.write(bytes);
  if (bytes.empty()) return;
  std::memcpy(buffer.data() + used, bytes.data(), bytes.size());
  used += bytes.size();
}

void NarWriter::State::append_text(std::string_view text) {
  append(nar::store_length(text.size()));
  append_contents(as_bytes(text));
  append_padding(text.size());
}

void NarWriter::State::append_padding(std::uint64_t of_size) {
  append(std::array<std::byte, nar::alignment>{});
  used -= nar::alignment - static_cast<std::size_t>(nar::padding_of(of_size));
}

void NarWriter::State::flush() {
  if (used == 0) return;
  sink.write(Bytes(buffer).first(used));
  used = 0;
}

}  // namespace cinch
