#include "wire/messages.hh"

#include <array>
#include <utility>

namespace cinch::wire {
namespace {

constexpr std::uint64_t code_log_text = 0x6f6c6d67;
constexpr std::uint64_t code_work_done = 0x616c7473;
constexpr std::uint64_t code_failure = 0x63787470;
constexpr std::uint64_t code_start_activity = 0x53545254;
constexpr std::uint64_t code_stop_activity = 0x53544f50;
constexpr std::uint64_t code_activity_result = 0x52534c54;

constexpr std::uint64_t field_number = 0;
constexpr std::uint64_t field_text = 1;

void write_fields(Encoder& encoder, const std::vector<Field>& fields) {
  encoder.number(fields.size());
  for (const Field& field : fields) {
    if (const auto* number = std::get_if<std::uint64_t>(&field)) {
      encoder.number(field_number);
      encoder.number(*number);
    } else {
      encoder.number(field_text);
      encoder.text(std::get<std::string>(field));
    }
  }
}

std::vector<Field> read_fields(Decoder& decoder) {
  std::vector<Field> fields;
  for (std::uint64_t left = decoder.count(field_count_max); left > 0; --left) {
    if (decoder.number(field_text, "the type of a field") == field_text) {
      fields.emplace_back(decoder.text(text_bytes_max));
    } else {
      fields.emplace_back(decoder.number());
    }
  }
  return fields;
}

struct MessageWriter {
  Encoder& encoder;

  void operator()(const WorkDone&) const { encoder.number(code_work_done); }
  void operator()(const LogText& message) const {
    encoder.number(code_log_text);
    encoder.text(message.text);
  }
  void operator()(const StartActivity& message) const {
    encoder.number(code_start_activity);
    encoder.number(message.id);
    encoder.number(message.level);
    encoder.number(static_cast<std::uint64_t>(message.type));
    encoder.text(message.text);
    write_fields(encoder, message.fields);
    encoder.number(message.parent);
  }
  void operator()(const StopActivity& message) const {
    encoder.number(code_stop_activity);
    encoder.number(message.id);
  }
  void operator()(const ActivityResult& message) const {
    encoder.number(code_activity_result);
    encoder.number(message.id);
    encoder.number(static_cast<std::uint64_t>(message.type));
    write_fields(encoder, message.fields);
  }
  void operator()(const Failure& message) const {
    encoder.number(code_failure);
    encoder.text("Error");
    encoder.number(message.level);
    encoder.text(message.name);
    encoder.text(message.message);
    encoder.number(0);  // no position
    encoder.number(message.traces.size());
    for (const std::string& trace : message.traces) {
      encoder.number(0);  // no position
      encoder.text(trace);
    }
  }
};

Failure read_failure(Decoder& decoder) {
  if (decoder.text(name_bytes_max) != "Error") {
    throw Error(Code::protocol, "an error of the daemon has an unknown type").at(decoder.offset());
  }
  Failure failure{};
  failure.level = decoder.number();
  failure.name = decoder.text(name_bytes_max);
  failure.message = decoder.text(text_bytes_max);
  decoder.number(0, "the position of an error");
  for (std::uint64_t left = decoder.count(trace_count_max); left > 0; --left) {
    decoder.number(0, "the position of an error");
    failure.traces.push_back(decoder.text(text_bytes_max));
  }
  return failure;
}

StartActivity read_start_activity(Decoder& decoder) {
  StartActivity message{};
  message.id = decoder.number();
  message.level = decoder.number();
  message.type = static_cast<ActivityType>(decoder.number());
  message.text = decoder.text(text_bytes_max);
  message.fields = read_fields(decoder);
  message.parent = decoder.number();
  return message;
}

ActivityResult read_activity_result(Decoder& decoder) {
  ActivityResult message{};
  message.id = decoder.number();
  message.type = static_cast<ResultType>(decoder.number());
  message.fields = read_fields(decoder);
  return message;
}

Code code_of(const Failure& failure) {
  for (auto number = static_cast<std::uint32_t>(Code::invalid_argument);
       number <= static_cast<std::uint32_t>(Code::internal); ++number) {
    if (to_string(static_cast<Code>(number)) == failure.name) return static_cast<Code>(number);
  }
  constexpr std::array<std::pair<std::string_view, Code>, 5> sentences = {{
      {"hash mismatch", Code::hash_mismatch},
      {"is not valid", Code::not_found},
      {"signature", Code::not_trusted},
      {"privileged", Code::not_trusted},
      {"is not allowed to connect", Code::permission_denied},
  }};
  for (const auto& [words, code] : sentences) {
    if (failure.message.find(words) != std::string::npos) return code;
  }
  return Code::io;
}

}  // namespace

void write_message(Encoder& encoder, const Message& message) {
  std::visit(MessageWriter{encoder}, message);
}

Message read_message(Decoder& decoder) {
  const std::uint64_t start = decoder.offset();
  const std::uint64_t code = decoder.number();
  switch (code) {
    case code_work_done:
      return WorkDone{};
    case code_log_text:
      return LogText{decoder.text(text_bytes_max)};
    case code_start_activity:
      return read_start_activity(decoder);
    case code_stop_activity:
      return StopActivity{decoder.number()};
    case code_activity_result:
      return read_activity_result(decoder);
    case code_failure:
      return read_failure(decoder);
    default:
      throw Error(Code::protocol, "the daemon sent an unknown message " + std::to_string(code))
          .at(start);
  }
}

Failure to_failure(const Error& error) {
  return {.level = 0,
          .name = std::string(to_string(error.code())),
          .message = error.what(),
          .traces = {}};
}

Error to_error(const Failure& failure) {
  Error error(code_of(failure), without_colours(failure.message));
  for (const std::string& trace : failure.traces) error.add_context(without_colours(trace));
  return error;
}

std::string without_colours(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    const std::size_t escape = text.find("\x1b[");
    plain += text.substr(0, escape);
    if (escape == std::string_view::npos) break;
    text.remove_prefix(escape + 2);
    const std::size_t end = text.find_first_not_of("0123456789;");
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return plain;
}

void write_old_failure(Encoder& encoder, std::string_view message) {
  encoder.number(code_failure);
  encoder.text(message);
  encoder.number(1);  // exit status
}

}  // namespace cinch::wire
