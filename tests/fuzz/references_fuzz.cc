// The scanner finds what the obvious search finds, and the rewriter does what the obvious
// replacement does, however the stream is cut. The first bytes of the input say how; then come two
// hash parts' digests, then the stream, in which the byte 0 stands for the first hash part, 1 for
// the second.
#include "fuzz.hh"

#include <cinch/core/encoding.hh>
#include <cinch/core/references.hh>

using namespace cinch;

namespace {

void write_in_pieces(Sink& sink, std::string_view text, std::size_t piece) {
  for (std::size_t i = 0; i < text.size(); i += piece) sink.write(as_bytes(text.substr(i, piece)));
}

std::string replace(const ReferenceRewriter::HashParts& rewrites, std::string text) {
  for (std::size_t i = 0; i + store_path_hash_part_length <= text.size();) {
    const auto found = rewrites.find(std::string_view(text).substr(i, store_path_hash_part_length));
    if (found == rewrites.end()) {
      ++i;
      continue;
    }
    text.replace(i, store_path_hash_part_length, found->second);
    i += store_path_hash_part_length;
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t head_bytes = 1 + 2 * store_path_digest_bytes;
  if (size < head_bytes) return 0;
  const std::size_t piece = std::size_t{1} + data[0];
  const Bytes input = as_bytes(fuzz::as_input(data, size));
  const StorePath paths[] = {
      StorePath::from_parts(input.subspan(1, store_path_digest_bytes), "a"),
      StorePath::from_parts(input.subspan(21, store_path_digest_bytes), "b")};
  std::string text;
  for (const char c : as_text(input.subspan(head_bytes))) {
    if (c == 0 || c == 1) {
      text += paths[static_cast<std::size_t>(c)].hash_part();
    } else {
      text += c;
    }
  }

  ReferenceScanner scanner({paths[0], paths[1]});
  write_in_pieces(scanner, text, piece);
  for (const StorePath& path : paths) {
    const bool is_there = text.find(path.hash_part()) != std::string::npos;
    fuzz::require(scanner.found().contains(path) == is_there);
  }

  const ReferenceRewriter::HashParts rewrites{
      {std::string(paths[0].hash_part()), std::string(paths[1].hash_part())},
      {std::string(paths[1].hash_part()), std::string(paths[0].hash_part())}};
  StringSink sink(text.size());
  ReferenceRewriter rewriter(rewrites, sink);
  write_in_pieces(rewriter, text, piece);
  rewriter.finish();
  fuzz::require(sink.text() == replace(rewrites, text));
  return 0;
}
