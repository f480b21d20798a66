#include "convert.hh"

#include <cinch/core/encoding.hh>

using cinch::Code;
using cinch::Error;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::lend;
using cinch::capi::view;

namespace {

[[noreturn]] void refuse_encoding(std::uint32_t encoding) {
  throw Error(Code::invalid_argument,
              "there is no encoding of bytes with the number " + std::to_string(encoding))
      .hint("use CINCH_BASE16, CINCH_NIX32 or CINCH_BASE64");
}

std::string encode(std::uint32_t encoding, cinch::Bytes bytes) {
  switch (encoding) {
    case CINCH_BASE16:
      return cinch::base16_encode(bytes);
    case CINCH_NIX32:
      return cinch::nix32_encode(bytes);
    case CINCH_BASE64:
      return cinch::base64_encode(bytes);
    default:
      refuse_encoding(encoding);
  }
}

std::string decode(std::uint32_t encoding, std::string_view text) {
  switch (encoding) {
    case CINCH_BASE16:
      return cinch::base16_decode(text);
    case CINCH_NIX32:
      return cinch::nix32_decode(text);
    case CINCH_BASE64:
      return cinch::base64_decode(text);
    default:
      refuse_encoding(encoding);
  }
}

}  // namespace

extern "C" {

cinch_error* cinch_text_new(cinch_str bytes, cinch_text** text_out) noexcept {
  return guarded([&] {
    cinch_text*& out = deref(text_out, "text_out");
    out = new cinch_text{std::string(view(bytes))};
  });
}

cinch_str cinch_text_str(const cinch_text* text) noexcept { return lend(text->text); }

void cinch_text_free(cinch_text* text) noexcept { delete text; }

cinch_error* cinch_encode(uint32_t encoding, cinch_str bytes, cinch_text** text_out) noexcept {
  return guarded([&] {
    cinch_text*& out = deref(text_out, "text_out");
    out = new cinch_text{encode(encoding, cinch::as_bytes(view(bytes)))};
  });
}

cinch_error* cinch_decode(uint32_t encoding, cinch_str text, cinch_text** bytes_out) noexcept {
  return guarded([&] {
    cinch_text*& out = deref(bytes_out, "bytes_out");
    out = new cinch_text{decode(encoding, view(text))};
  });
}

}  // extern "C"
