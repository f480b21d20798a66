#include "catch.hh"
#include "errors.hh"
#include "wire/decoder.hh"
#include "wire/encoder.hh"
#include "wire/framed.hh"
#include "wire/messages.hh"

#include <array>
#include <string>
#include <vector>

namespace cinch::wire {
namespace {

std::string bytes_of(const Encoder& encoder) { return std::string(as_text(encoder.bytes())); }

std::string number_bytes(std::uint64_t value) {
  Encoder encoder;
  encoder.number(value);
  return bytes_of(encoder);
}

// Gives one byte at a time, as a slow peer does.
class Trickle final : public Source {
 public:
  explicit Trickle(std::string text) : text_(std::move(text)) {}
  std::size_t read(std::span<std::byte> buffer) override {
    if (position_ == text_.size()) return 0;
    buffer[0] = static_cast<std::byte>(text_[position_++]);
    return 1;
  }

 private:
  std::string text_;
  std::size_t position_ = 0;
};

}  // namespace

TEST_CASE("numbers and texts have Nix's bytes") {
  Encoder encoder;
  encoder.number(0x0102030405060708);
  encoder.text("hi");
  CHECK(bytes_of(encoder) == std::string("\x08\x07\x06\x05\x04\x03\x02\x01"
                                         "\x02\0\0\0\0\0\0\0hi\0\0\0\0\0\0",
                                         24));
}

TEST_CASE("what the encoder writes the decoder reads, byte by byte") {
  Encoder encoder;
  encoder.number(0);
  encoder.number(UINT64_MAX);
  encoder.text("");
  encoder.text("12345678");
  encoder.texts(std::vector<std::string>{"a", "", "bc"});
  Trickle source(bytes_of(encoder));
  Decoder decoder(source);
  CHECK(decoder.number() == 0);
  CHECK(decoder.number() == UINT64_MAX);
  CHECK(decoder.text(0).empty());
  CHECK(decoder.text(8) == "12345678");
  REQUIRE(decoder.count(3) == 3);
  CHECK(decoder.text(1) == "a");
  CHECK(decoder.text(1).empty());
  CHECK(decoder.text(2) == "bc");
  CHECK(decoder.offset() == encoder.size());
  CHECK(decoder.at_end());
}

TEST_CASE("a length is refused before anything is done with it") {
  for (const std::uint64_t length :
       {std::uint64_t{1} << 63, UINT64_MAX, UINT64_MAX - 7, std::uint64_t{101}}) {
    CAPTURE(length);
    const std::string input = number_bytes(length) + "some bytes";
    StringSource text_source(input);
    CHECK(test::code_of([&] { Decoder(text_source).text(100); }) == Code::limit_exceeded);
    StringSource list_source(input);
    CHECK(test::code_of([&] { Decoder(list_source).count(100); }) == Code::limit_exceeded);
    StringSource number_source(input);
    const auto error = test::error_of([&] { Decoder(number_source).number(100, "the mode"); });
    REQUIRE(error);
    CHECK(error->code() == Code::protocol);
    CHECK(error->offset() == 0);
  }
}

TEST_CASE("a text that is promised but does not come costs nothing") {
  const std::string input = number_bytes(text_bytes_max) + "abc";
  StringSource promised(input);
  const auto error = test::error_of([&] { Decoder(promised).text(text_bytes_max); });
  REQUIRE(error);
  CHECK(error->code() == Code::disconnected);
  CHECK(error->offset() == 11);
}

TEST_CASE("padding must be there and zero") {
  const std::string bad = number_bytes(1) + std::string("a\0\0\1\0\0\0\0", 8);
  StringSource bad_source(bad);
  CHECK(test::code_of([&] { Decoder(bad_source).text(10); }) == Code::protocol);
  const std::string cut = number_bytes(1) + "a";
  StringSource cut_source(cut);
  CHECK(test::code_of([&] { Decoder(cut_source).text(10); }) == Code::disconnected);
}

TEST_CASE("frames carry a stream and leave what follows it") {
  const std::size_t size = GENERATE(0, 1, 8, 65535, 65536, 65537, 300000);
  CAPTURE(size);
  const std::string content(size, 'x');
  StringSink wire(1 << 20);
  FramedSink sink(wire);
  sink.write(as_bytes(content).first(size / 3));
  sink.write(as_bytes(content).subspan(size / 3));
  sink.finish();
  const std::string input = wire.text() + number_bytes(42);
  StringSource source(input);
  Decoder decoder(source);
  FramedSource frames(decoder);
  CHECK(read_all(frames, size) == content);
  CHECK(decoder.number() == 42);
}

TEST_CASE("an abandoned stream of frames can be skipped") {
  const std::string input =
      number_bytes(3) + "abc" + number_bytes(2) + "de" + number_bytes(0) + number_bytes(42);
  StringSource source(input);
  Decoder decoder(source);
  FramedSource frames(decoder);
  std::array<std::byte, 2> some;
  CHECK(frames.read(some) == 2);
  frames.drain();
  CHECK(decoder.number() == 42);
}

TEST_CASE("broken frames cannot be skipped, and say so again and again") {
  const std::string input = number_bytes(std::uint64_t{1} << 63) + number_bytes(0);
  StringSource source(input);
  Decoder decoder(source);
  FramedSource frames(decoder);
  CHECK(test::code_of([&] { frames.drain(); }) == Code::protocol);
  CHECK(test::code_of([&] { frames.drain(); }) == Code::protocol);

  const std::string cut = number_bytes(10) + "abc";
  StringSource cut_source(cut);
  Decoder cut_decoder(cut_source);
  FramedSource cut_frames(cut_decoder);
  CHECK(test::code_of([&] { cut_frames.drain(); }) == Code::disconnected);
}

TEST_CASE("messages survive the wire") {
  Encoder encoder;
  write_message(encoder, LogText{"hello\n"});
  write_message(encoder, StartActivity{.id = 7,
                                       .level = 3,
                                       .type = ActivityType::build,
                                       .text = "building",
                                       .fields = {std::string("/nix/store/x"), std::uint64_t{1}},
                                       .parent = 2});
  write_message(encoder, ActivityResult{7, ResultType::build_log_line, {std::string("line")}});
  write_message(encoder, StopActivity{7});
  write_message(encoder, WorkDone{});
  const std::string input = bytes_of(encoder);
  StringSource source(input);
  Decoder decoder(source);
  CHECK(std::get<LogText>(read_message(decoder)).text == "hello\n");
  const auto start = std::get<StartActivity>(read_message(decoder));
  CHECK(start.id == 7);
  CHECK(start.type == ActivityType::build);
  REQUIRE(start.fields.size() == 2);
  CHECK(std::get<std::string>(start.fields[0]) == "/nix/store/x");
  CHECK(std::get<std::uint64_t>(start.fields[1]) == 1);
  CHECK(start.parent == 2);
  CHECK(std::get<ActivityResult>(read_message(decoder)).type == ResultType::build_log_line);
  CHECK(std::get<StopActivity>(read_message(decoder)).id == 7);
  CHECK(std::holds_alternative<WorkDone>(read_message(decoder)));
  CHECK(decoder.at_end());
}

TEST_CASE("an unknown message is refused") {
  const std::string input = number_bytes(12345);
  StringSource source(input);
  Decoder decoder(source);
  CHECK(test::code_of([&] { read_message(decoder); }) == Code::protocol);
}

TEST_CASE("sentences lose their colours") {
  CHECK(without_colours("path '\x1b[35;1m/nix/store/x\x1b[0m' is \x1b[31;1mnot\x1b[0m valid") ==
        "path '/nix/store/x' is not valid");
  CHECK(without_colours("\x1b[") == "");
  CHECK(without_colours("\x1b[31") == "");
  CHECK(without_colours("a\x1b") == "a\x1b");
}

TEST_CASE("errors keep their code between peers of ours, and get one from Nix's sentences") {
  const Failure ours = to_failure(Error(Code::no_space, "the disk is full").about("/nix/store"));
  Encoder encoder;
  write_message(encoder, ours);
  const std::string input = bytes_of(encoder);
  StringSource source(input);
  Decoder decoder(source);
  const Error error = to_error(std::get<Failure>(read_message(decoder)));
  CHECK(error.code() == Code::no_space);
  CHECK(error.message() == "the disk is full ('/nix/store')");

  const auto code_of_nix = [](std::string message) {
    return to_error({.level = 0, .name = "Error", .message = std::move(message), .traces = {}})
        .code();
  };
  CHECK(code_of_nix("path '/nix/store/x' is not valid") == Code::not_found);
  CHECK(code_of_nix("hash mismatch importing path") == Code::hash_mismatch);
  CHECK(code_of_nix("cannot add path because it lacks a valid signature") == Code::not_trusted);
  CHECK(code_of_nix("something else") == Code::io);
}

}  // namespace cinch::wire
