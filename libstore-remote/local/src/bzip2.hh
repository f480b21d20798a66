// bzip2, as streams. Private to the library.
#pragma once

#include <cinch/core/stream.hh>

#include <vector>

#include <bzlib.h>

namespace cinch {

// Compresses what is written to it into `sink`, which must outlive it.
class Bzip2Compressor final : public Sink {
 public:
  explicit Bzip2Compressor(Sink& sink);
  Bzip2Compressor(const Bzip2Compressor&) = delete;
  Bzip2Compressor& operator=(const Bzip2Compressor&) = delete;
  ~Bzip2Compressor() override;

  void write(Bytes bytes) override;
  // Writes what is still inside; without it the stream is cut off.
  void finish();

 private:
  int step(int action);

  Sink& sink_;
  bz_stream stream_{};
  std::vector<std::byte> buffer_;
};

// Decompresses all of `source`, which may be several bzip2 streams one after the other, into
// `sink`. Throws Code::io for what is damaged or cut off.
void decompress_bzip2(Source& source, Sink& sink);

}  // namespace cinch
