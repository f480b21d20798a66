// The NAR format: one file-system object (a regular file, a directory, a symlink) as bytes, in
// exactly one way. Reader and writer are step machines: no I/O, no recursion, constant memory.
// Format and limits: docs/formats/nar.md.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/stream.hh>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace cinch {

constexpr std::uint32_t nar_depth_max = 64;           // nodes inside each other, with the root
constexpr std::uint64_t nar_name_bytes_max = 255;     // one entry name
constexpr std::uint64_t nar_target_bytes_max = 4095;  // one symlink target
constexpr std::uint64_t nar_file_bytes_max = std::uint64_t{1} << 62;

// Turns NAR bytes into events. Strict: anything that the writer would not produce is refused with
// Code::malformed (or Code::limit_exceeded) and the offset.
//
//   NarReader reader;
//   for (;;) switch (reader.step()) {
//     case Step::need_input: reader.put(next_chunk()); break;   // or reader.end_input()
//     case Step::file: open(reader.size_bytes(), reader.executable()); break;
//     case Step::contents: write(reader.contents()); break;
//     ...
//     case Step::finished: return;
//   }
class CINCH_CORE_API NarReader {
 public:
  enum class Step : std::uint8_t {
    need_input,  // call put() or end_input()
    directory,   // a directory begins; entries follow, then `leave`
    entry,       // the next node is called name(), inside the innermost open directory
    file,        // a regular file begins: size_bytes(), executable(); contents follow, then `leave`
    contents,    // contents() holds the next part of the file, never empty
    symlink,     // a symlink to target(); no `leave` follows
    leave,       // the innermost directory or file ends
    finished,    // the NAR is complete; bytes left over are counted by unread()
  };

  NarReader();
  NarReader(NarReader&&) noexcept;
  ~NarReader();

  Step step();
  // Lends the next input; it must stay valid until step() says need_input again or the reader is
  // finished. REQUIRES: the last step() said need_input, or there was none yet.
  void put(Bytes input);
  // Says that there is no more input: the next step() throws Code::malformed (truncated).
  void end_input();

  // What the last step() spoke of; the views are valid until the next one.
  std::string_view name() const;
  std::string_view target() const;
  std::uint64_t size_bytes() const;
  bool executable() const;
  Bytes contents() const;
  // Bytes of the lent input that were not used. After `finished`: what follows the NAR.
  std::size_t unread() const;
  // After need_input: how many further bytes certainly belong to this NAR, at least 1. A caller
  // that reads no more than this at a time takes nothing that follows the NAR.
  std::uint64_t needed() const;
  // Bytes consumed so far: where the parser stands in the NAR.
  std::uint64_t offset() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Receives file-system objects in NAR order. Implemented by whatever restores or inspects them.
class CINCH_CORE_API NarVisitor {
 public:
  virtual ~NarVisitor();
  virtual void directory() = 0;
  virtual void entry(std::string_view name) = 0;
  virtual void file(std::uint64_t size_bytes, bool executable) = 0;
  virtual void contents(Bytes bytes) = 0;
  virtual void symlink(std::string_view target) = 0;
  virtual void leave() = 0;
};

// Parses what is written to it and calls the visitor. finish() throws unless one whole NAR, and
// nothing after it, was written.
class CINCH_CORE_API NarParserSink final : public Sink {
 public:
  explicit NarParserSink(NarVisitor& visitor);
  ~NarParserSink() override;
  void write(Bytes bytes) override;
  void finish();

 private:
  NarVisitor& visitor_;
  NarReader reader_;
  bool finished_ = false;
  bool failed_ = false;
};

// Both read exactly one NAR from `source` and take nothing that follows it, so they ask for small
// pieces where the NAR could end soon: `source` should buffer. The first calls the visitor; the
// second checks the format and copies the bytes, each piece after it was checked.
CINCH_CORE_API void parse_nar(Source& source, NarVisitor& visitor);
CINCH_CORE_API void copy_nar(Source& source, Sink& sink);

// Turns events into NAR bytes. Checks that they form one object: names ascending bytewise, no empty
// name, ".", "..", slash or NUL; limits as above. Throws Code::invalid_argument otherwise.
class CINCH_CORE_API NarWriter final : public NarVisitor {
 public:
  explicit NarWriter(Sink& sink);
  ~NarWriter() override;

  void directory() override;
  void entry(std::string_view name) override;
  // Exactly size_bytes bytes of contents() must follow, then leave().
  void file(std::uint64_t size_bytes, bool executable) override;
  void contents(Bytes bytes) override;
  void symlink(std::string_view target) override;
  void leave() override;
  // Flushes; throws Code::invalid_argument unless the object is complete.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cinch
