// Standard output: what scripts parse, buffered, with every error noticed.
#pragma once

#include <cinch/core/stream.hh>

#include <string>
#include <string_view>

namespace cinch::cli {

// The reader of our output has gone away. Not an Error: nobody is there to be told.
struct OutputClosed {};

class Output final : public Sink {
 public:
  explicit Output(int descriptor) : descriptor_(descriptor) {}
  ~Output() override;

  void write(Bytes bytes) override;  // throws Error, OutputClosed
  void print(std::string_view text) { write(as_bytes(text)); }
  void line(std::string_view text);
  void flush();
  bool is_terminal() const;

 private:
  void write_through(Bytes bytes);

  int descriptor_;
  std::string buffer_;
};

}  // namespace cinch::cli
