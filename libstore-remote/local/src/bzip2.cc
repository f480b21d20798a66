#include "bzip2.hh"

#include <cinch/core/error.hh>

#include <algorithm>
#include <string>

namespace cinch {

namespace {

constexpr int block_size = 9;  // times 100 kB: what the bzip2 program uses
constexpr std::size_t buffer_bytes = std::size_t{64} << 10;

[[noreturn]] void throw_bzip2(int status) {
  if (status == BZ_MEM_ERROR) throw Error(Code::io, "bzip2 has no memory");
  throw Error(Code::internal, "bzip2 answers " + std::to_string(status));
}

[[noreturn]] void throw_damaged(const char* how) {
  throw Error(Code::io, std::string("the build log is damaged: ") + how);
}

// bzlib takes characters, and input that it does not change by a pointer that it could.
char* characters(const std::byte* bytes) {
  return const_cast<char*>(reinterpret_cast<const char*>(bytes));
}

class Decompressor {
 public:
  Decompressor() {
    const int status = BZ2_bzDecompressInit(&stream, 0, 0);
    if (status != BZ_OK) throw_bzip2(status);
  }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
  ~Decompressor() { BZ2_bzDecompressEnd(&stream); }

  bz_stream stream{};
};

}  // namespace

Bzip2Compressor::Bzip2Compressor(Sink& sink) : sink_(sink), buffer_(buffer_bytes) {
  const int status = BZ2_bzCompressInit(&stream_, block_size, 0, 0);
  if (status != BZ_OK) throw_bzip2(status);
}

Bzip2Compressor::~Bzip2Compressor() { BZ2_bzCompressEnd(&stream_); }

void Bzip2Compressor::write(Bytes bytes) {
  while (!bytes.empty()) {
    // bzlib counts in 32 bits.
    const Bytes part = bytes.first(std::min(bytes.size(), stream_buffer_bytes));
    stream_.next_in = characters(part.data());
    stream_.avail_in = static_cast<unsigned>(part.size());
    while (stream_.avail_in > 0) step(BZ_RUN);
    bytes = bytes.subspan(part.size());
  }
}

void Bzip2Compressor::finish() {
  while (step(BZ_FINISH) != BZ_STREAM_END) {
  }
}

int Bzip2Compressor::step(int action) {
  stream_.next_out = characters(buffer_.data());
  stream_.avail_out = static_cast<unsigned>(buffer_.size());
  const int status = BZ2_bzCompress(&stream_, action);
  if (status < 0) throw_bzip2(status);
  sink_.write(Bytes(buffer_).first(buffer_.size() - stream_.avail_out));
  return status;
}

void decompress_bzip2(Source& source, Sink& sink) {
  std::vector<std::byte> input(buffer_bytes);
  std::vector<std::byte> output(buffer_bytes);
  Bytes rest;
  // Fills `rest` if it is empty; false at the end.
  const auto more = [&] {
    if (rest.empty()) rest = Bytes(input).first(source.read(input));
    return !rest.empty();
  };
  if (!more()) throw_damaged("it is empty, which no bzip2 file is");
  while (more()) {
    Decompressor decompressor;
    bz_stream& stream = decompressor.stream;
    for (int status = BZ_OK; status != BZ_STREAM_END;) {
      if (!more()) throw_damaged("it ends too early");
      stream.next_in = characters(rest.data());
      stream.avail_in = static_cast<unsigned>(rest.size());
      stream.next_out = characters(output.data());
      stream.avail_out = static_cast<unsigned>(output.size());
      status = BZ2_bzDecompress(&stream);
      if (status == BZ_MEM_ERROR) throw_bzip2(status);
      if (status < 0) throw_damaged("it is not in bzip2 format");
      rest = rest.last(stream.avail_in);
      sink.write(Bytes(output).first(output.size() - stream.avail_out));
    }
  }
}

}  // namespace cinch
