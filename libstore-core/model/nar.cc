// What uses the NAR reader: the sink that parses, and the loops that read one NAR from a source.

#include <cinch/core/error.hh>
#include <cinch/core/nar.hh>

#include <algorithm>
#include <memory>

namespace cinch {

namespace {

// Steps until the reader wants input or has finished. Returns whether it has finished.
bool visit_input(NarReader& reader, NarVisitor& visitor) {
  for (;;) {
    switch (reader.step()) {
      case NarReader::Step::need_input:
        return false;
      case NarReader::Step::directory:
        visitor.directory();
        break;
      case NarReader::Step::entry:
        visitor.entry(reader.name());
        break;
      case NarReader::Step::file:
        visitor.file(reader.size_bytes(), reader.executable());
        break;
      case NarReader::Step::contents:
        visitor.contents(reader.contents());
        break;
      case NarReader::Step::symlink:
        visitor.symlink(reader.target());
        break;
      case NarReader::Step::leave:
        visitor.leave();
        break;
      case NarReader::Step::finished:
        return true;
    }
  }
}

// Steps over what the input holds. Returns whether the NAR has finished.
bool check_input(NarReader& reader) {
  for (;;) {
    const NarReader::Step step = reader.step();
    if (step == NarReader::Step::need_input) return false;
    if (step == NarReader::Step::finished) return true;
  }
}

// Reads one NAR, and no more, in pieces; `accept` parses what the reader was lent, and says whether
// the NAR has finished.
template <typename Accept>
void read_nar(Source& source, Accept accept) {
  NarReader reader;
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(stream_buffer_bytes);
  for (Bytes piece; !accept(reader, piece);) {
    const std::uint64_t wanted = std::min<std::uint64_t>(reader.needed(), stream_buffer_bytes);
    const std::size_t count =
        source.read(std::span(buffer.get(), static_cast<std::size_t>(wanted)));
    piece = Bytes(buffer.get(), count);
    if (count == 0) {
      reader.end_input();
    } else {
      reader.put(piece);
    }
  }
}

}  // namespace

NarParserSink::NarParserSink(NarVisitor& visitor) : visitor_(visitor) {}
NarParserSink::~NarParserSink() = default;

void NarParserSink::write(Bytes bytes) {
  if (bytes.empty()) return;
  // After an exception the reader may still hold bytes that are no longer there.
  if (failed_) throw Error(Code::invalid_argument, "this NAR was given up before");
  failed_ = true;
  if (!finished_) {
    reader_.put(bytes);
    finished_ = visit_input(reader_, visitor_);
    bytes = bytes.last(reader_.unread());
  }
  if (!bytes.empty()) {
    throw Error(Code::malformed, "something follows the end of the NAR").at(reader_.offset());
  }
  failed_ = false;
}

void NarParserSink::finish() {
  if (failed_) throw Error(Code::invalid_argument, "this NAR was given up before");
  if (finished_) return;
  reader_.end_input();
  visit_input(reader_, visitor_);
}

void parse_nar(Source& source, NarVisitor& visitor) {
  read_nar(source, [&](NarReader& reader, Bytes) { return visit_input(reader, visitor); });
}

void copy_nar(Source& source, Sink& sink) {
  read_nar(source, [&](NarReader& reader, Bytes piece) {
    const bool finished = check_input(reader);
    if (!piece.empty()) sink.write(piece);
    return finished;
  });
}

}  // namespace cinch
