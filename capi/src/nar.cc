#include "convert.hh"
#include "stream_handle.hh"

#include <cinch/core/nar.hh>
#include <cinch/files/file_tree.hh>

using cinch::Code;
using cinch::Error;
using cinch::NarVisitor;
using cinch::capi::CallbackSink;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::lend;
using cinch::capi::view;

namespace {

// Passes events on to a callback.
class CallbackVisitor final : public NarVisitor {
 public:
  CallbackVisitor(cinch_nar_event_fn event, void* payload) : event_(event), payload_(payload) {}

  void directory() override { call(CINCH_NAR_DIRECTORY); }
  void entry(std::string_view name) override { call(CINCH_NAR_ENTRY, name); }
  void file(std::uint64_t size_bytes, bool executable) override {
    cinch_nar_event event = of_kind(CINCH_NAR_FILE);
    event.size_bytes = size_bytes;
    event.executable = executable ? 1 : 0;
    call(event);
  }
  void contents(cinch::Bytes bytes) override { call(CINCH_NAR_CONTENTS, cinch::as_text(bytes)); }
  void symlink(std::string_view target) override { call(CINCH_NAR_SYMLINK, target); }
  void leave() override { call(CINCH_NAR_LEAVE); }

 private:
  static cinch_nar_event of_kind(std::uint32_t kind) {
    cinch_nar_event event = CINCH_NAR_EVENT_INIT;
    event.kind = kind;
    event.text = lend("");
    return event;
  }
  void call(std::uint32_t kind, std::string_view text = "") {
    cinch_nar_event event = of_kind(kind);
    event.text = lend(text);
    call(event);
  }
  void call(const cinch_nar_event& event) { cinch::capi::check_callback(event_(&event, payload_)); }

  cinch_nar_event_fn event_;
  void* payload_;
};

// The visitor, and what calls it.
struct EventStream {
  EventStream(cinch_nar_event_fn event, void* payload) : visitor(event, payload) {}
  CallbackVisitor visitor;
  cinch::NarParserSink parser{visitor};
};

struct ByteStream {
  ByteStream(cinch_write_fn write, void* payload) : sink(write, payload) {}
  CallbackSink sink;
  cinch::NarWriter writer{sink};
};

void visit(const cinch_nar_event& event, NarVisitor& visitor) {
  switch (event.kind) {
    case CINCH_NAR_DIRECTORY:
      return visitor.directory();
    case CINCH_NAR_FILE:
      if (event.executable > 1) {
        throw Error(Code::invalid_argument, "'executable' must be 0 or 1");
      }
      return visitor.file(event.size_bytes, event.executable == 1);
    case CINCH_NAR_SYMLINK:
      return visitor.symlink(view(event.text));
    case CINCH_NAR_ENTRY:
      return visitor.entry(view(event.text));
    case CINCH_NAR_CONTENTS:
      return visitor.contents(cinch::as_bytes(view(event.text)));
    case CINCH_NAR_LEAVE:
      return visitor.leave();
    default:
      throw Error(Code::invalid_argument,
                  "there is no NAR event with the number " + std::to_string(event.kind));
  }
}

}  // namespace

struct cinch_nar_reader {
  cinch::capi::StreamHandle<EventStream> stream;
};

struct cinch_nar_writer {
  cinch::capi::StreamHandle<ByteStream> stream;
};

extern "C" {

cinch_error* cinch_nar_reader_new(cinch_nar_event_fn event, void* payload,
                                  cinch_nar_reader** reader_out) noexcept {
  return guarded([&] {
    cinch_nar_reader*& out = deref(reader_out, "reader_out");
    deref(event, "event");
    out =
        new cinch_nar_reader{cinch::capi::StreamHandle<EventStream>(std::in_place, event, payload)};
  });
}

cinch_error* cinch_nar_reader_write(cinch_nar_reader* reader, cinch_str nar) noexcept {
  return guarded([&] {
    deref(reader, "reader").stream.use([&](EventStream& stream) {
      stream.parser.write(cinch::as_bytes(view(nar)));
    });
  });
}

cinch_error* cinch_nar_reader_finish(cinch_nar_reader* reader) noexcept {
  return guarded([&] {
    deref(reader, "reader").stream.finish([](EventStream& stream) { stream.parser.finish(); });
  });
}

void cinch_nar_reader_free(cinch_nar_reader* reader) noexcept { delete reader; }

cinch_error* cinch_nar_writer_new(cinch_write_fn write, void* payload,
                                  cinch_nar_writer** writer_out) noexcept {
  return guarded([&] {
    cinch_nar_writer*& out = deref(writer_out, "writer_out");
    deref(write, "write");
    out =
        new cinch_nar_writer{cinch::capi::StreamHandle<ByteStream>(std::in_place, write, payload)};
  });
}

cinch_error* cinch_nar_writer_put(cinch_nar_writer* writer, const cinch_nar_event* event) noexcept {
  return guarded([&] {
    deref(event, "event");
    const auto given = cinch::capi::read_options<cinch_nar_event>(event, CINCH_NAR_EVENT_INIT);
    if (given.reserved != 0) throw Error(Code::invalid_argument, "'reserved' must be 0");
    deref(writer, "writer").stream.use([&](ByteStream& stream) { visit(given, stream.writer); });
  });
}

cinch_error* cinch_nar_writer_finish(cinch_nar_writer* writer) noexcept {
  return guarded([&] {
    deref(writer, "writer").stream.finish([](ByteStream& stream) { stream.writer.finish(); });
  });
}

void cinch_nar_writer_free(cinch_nar_writer* writer) noexcept { delete writer; }

cinch_error* cinch_nar_of_tree(cinch_str file, const cinch_cancel* cancel, cinch_write_fn write,
                               void* payload) noexcept {
  return guarded([&] {
    deref(write, "write");
    CallbackSink sink(write, payload);
    cinch::dump_tree(cinch::capi::file_name(file), sink,
                     {.filter = nullptr, .stop = cinch::capi::token_of(cancel)});
  });
}

}  // extern "C"
