// Format: docs/formats/narinfo.md.
#include "field_lines.hh"
#include "refusal.hh"

#include <cinch/core/encoding.hh>
#include <cinch/core/narinfo.hh>

#include <algorithm>
#include <array>
#include <utility>

namespace cinch {

namespace {

// What a narinfo without the field means (Nix).
constexpr std::string_view default_compression = "bzip2";
constexpr std::string_view unknown_deriver = "unknown-deriver";
constexpr std::string_view guix_signature_version = "1";

// --- reading ---

// The fields as they come, each at most once but for signatures and downloads.
class Parser {
 public:
  Parser(std::string_view text, const StoreDir& store_dir) : text_(text), store_dir_(store_dir) {}
  NarInfo parse();
  static bool knows(std::string_view name) {
    return std::ranges::find(fields, name, &Field::name) != fields.end();
  }

 private:
  using Take = void (Parser::*)(const FieldLine&);
  struct Field {
    std::string_view name;
    Take take;
  };
  static const std::array<Field, 12> fields;

  void take_path(const FieldLine& line);
  void take_url(const FieldLine& line);
  void take_compression(const FieldLine& line);
  void take_file_hash(const FieldLine& line);
  void take_file_size(const FieldLine& line);
  void take_nar_hash(const FieldLine& line);
  void take_nar_size(const FieldLine& line);
  void take_references(const FieldLine& line);
  void take_deriver(const FieldLine& line);
  void take_signature(const FieldLine& line);
  void take_guix_signature(const FieldLine& line);
  void take_content_address(const FieldLine& line);

  template <class Value>
  void set_once(std::optional<Value>& field, const FieldLine& line, Value value) {
    if (field) line.fail("the field '" + std::string(line.name) + "' is there twice");
    field = std::move(value);
  }
  NarDownload& download() {
    if (downloads_.empty()) downloads_.emplace_back();
    return downloads_.back();
  }
  void finish_downloads();
  template <class Value>
  Value require(std::optional<Value>& field, std::string_view name) const {
    if (field) return *std::move(field);
    throw Error(Code::malformed, "the field '" + std::string(name) + "' is missing")
        .about(excerpt(text_))
        .at(text_.size());
  }

  std::string_view text_;
  const StoreDir& store_dir_;
  std::optional<StorePath> path_;
  std::optional<Hash> nar_hash_;
  std::optional<std::uint64_t> nar_size_;
  std::optional<StorePathSet> references_;
  std::optional<std::optional<StorePath>> deriver_;
  std::optional<ContentAddress> content_address_;
  std::set<Signature> signatures_;
  std::vector<NarDownload> downloads_;
  std::vector<NamedField> other_fields_;
  std::optional<NarInfoSignature> guix_signature_;
};

constexpr std::array<Parser::Field, 12> Parser::fields{{
    {"StorePath", &Parser::take_path},
    {"URL", &Parser::take_url},
    {"Compression", &Parser::take_compression},
    {"FileHash", &Parser::take_file_hash},
    {"FileSize", &Parser::take_file_size},
    {"NarHash", &Parser::take_nar_hash},
    {"NarSize", &Parser::take_nar_size},
    {"References", &Parser::take_references},
    {"Deriver", &Parser::take_deriver},
    {"Sig", &Parser::take_signature},
    {"Signature", &Parser::take_guix_signature},
    {"CA", &Parser::take_content_address},
}};

NarInfo Parser::parse() {
  FieldLines lines(text_);
  while (const auto line = lines.next()) {
    const auto field = std::ranges::find(fields, line->name, &Field::name);
    if (field != fields.end()) {
      (this->*field->take)(*line);
    } else {
      other_fields_.push_back({std::string(line->name), std::string(line->value)});
    }
  }
  finish_downloads();
  NarInfo result{.info = {.path = require(path_, "StorePath"),
                          .nar_hash = require(nar_hash_, "NarHash"),
                          .nar_size = require(nar_size_, "NarSize"),
                          .references = references_.value_or(StorePathSet()),
                          .deriver = deriver_.value_or(std::nullopt),
                          .signatures = std::move(signatures_),
                          .content_address = content_address_},
                 .downloads = std::move(downloads_),
                 .other_fields = std::move(other_fields_),
                 .guix_signature = std::move(guix_signature_)};
  return result;
}

void Parser::take_path(const FieldLine& line) {
  set_once(path_, line,
           line.parse_value([&](std::string_view value) { return store_dir_.parse(value); }));
}

// Each URL begins the next download; what stands before the first one belongs to it.
void Parser::take_url(const FieldLine& line) {
  if (line.value.empty()) line.fail("the field 'URL' is empty");
  if (!download().url.empty()) downloads_.emplace_back();
  download().url = line.value;
}

void Parser::take_compression(const FieldLine& line) {
  if (!download().compression.empty()) line.fail("a URL has two compressions");
  download().compression = line.value.empty() ? default_compression : line.value;
}

void Parser::take_file_hash(const FieldLine& line) {
  set_once(download().file_hash, line,
           line.parse_value([](std::string_view value) { return Hash::parse(value); }));
}

void Parser::take_file_size(const FieldLine& line) {
  set_once(download().file_size, line, line.parse_number());
}

void Parser::take_nar_hash(const FieldLine& line) {
  const Hash hash = line.parse_value([](std::string_view value) { return Hash::parse(value); });
  if (hash.algorithm() != HashAlgorithm::sha256) {
    line.fail("the hash of a NAR must be of the algorithm sha256");
  }
  set_once(nar_hash_, line, hash);
}

void Parser::take_nar_size(const FieldLine& line) {
  const std::uint64_t size = line.parse_number();
  if (size == 0) line.fail("a NAR cannot have the size 0");
  set_once(nar_size_, line, size);
}

void Parser::take_references(const FieldLine& line) {
  set_once(references_, line, line.parse_value([](std::string_view value) {
    StorePathSet references;
    std::size_t start = 0;
    while (start < value.size()) {
      const std::size_t end = std::min(value.find(' ', start), value.size());
      const bool fresh = parse_part(value, start, [&] {
        return references.insert(StorePath::parse(value.substr(start, end - start))).second;
      });
      if (!fresh) throw Error(Code::malformed, "a path is there twice").at(start);
      start = end + 1;
    }
    return references;
  }));
}

void Parser::take_deriver(const FieldLine& line) {
  std::optional<StorePath> deriver;
  if (line.value != unknown_deriver) {
    deriver = line.parse_value([](std::string_view value) { return StorePath::parse(value); });
  }
  set_once(deriver_, line, std::move(deriver));
}

void Parser::take_signature(const FieldLine& line) {
  signatures_.insert(
      line.parse_value([](std::string_view value) { return Signature::parse(value); }));
}

// `1;<host>;<base64>`, over everything above.
void Parser::take_guix_signature(const FieldLine& line) {
  const std::size_t first = line.value.find(';');
  const std::size_t second = line.value.find(';', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) {
    line.fail("the field 'Signature' must have the form '1;<host>;<base64>'");
  }
  if (line.value.substr(0, first) != guix_signature_version) {
    throw Error(Code::not_supported, "line " + std::to_string(line.number) +
                                         ": signatures of another version than 1 are not supported")
        .about(excerpt(line.value))
        .at(line.value_offset);
  }
  if (!path_ || !nar_hash_ || !references_) {
    line.fail("the fields 'StorePath', 'NarHash' and 'References' must stand above a signature");
  }
  NarInfoSignature signature{.host = std::string(line.value.substr(first + 1, second - first - 1)),
                             .expression = line.parse_value([&](std::string_view value) {
                               return parse_part(value, second + 1, [&] {
                                 return base64_decode(value.substr(second + 1));
                               });
                             }),
                             .signed_text = std::string(text_.substr(0, line.offset))};
  set_once(guix_signature_, line, std::move(signature));
}

void Parser::take_content_address(const FieldLine& line) {
  set_once(content_address_, line,
           line.parse_value([](std::string_view value) { return ContentAddress::parse(value); }));
}

void Parser::finish_downloads() {
  std::optional<std::string> url;
  if (!downloads_.empty() && !downloads_.back().url.empty()) url = downloads_.back().url;
  require(url, "URL");
  for (NarDownload& one : downloads_) {
    if (one.compression.empty()) one.compression = default_compression;
  }
}

// --- writing ---

std::string join_base_names(const StorePathSet& paths) {
  std::string text;
  for (const StorePath& path : paths) {
    if (!text.empty()) text += ' ';
    text += path.base_name();
  }
  return text;
}

class Writer {
 public:
  Writer(const NarInfo& narinfo, const StoreDir& store_dir)
      : narinfo_(narinfo), info_(narinfo.info), store_dir_(store_dir) {}

  std::string nix();
  std::string guix();

 private:
  void field(std::string_view name, std::string_view value) { append_field(text_, name, value); }
  void path() { field("StorePath", store_dir_.print(info_.path)); }
  void nar() {
    field("NarHash", info_.nar_hash.to_string(HashFormat::nix32));
    field("NarSize", std::to_string(info_.nar_size));
  }
  void references() { field("References", join_base_names(info_.references)); }
  void deriver() {
    if (info_.deriver) field("Deriver", info_.deriver->base_name());
  }
  void signatures() {
    for (const Signature& signature : info_.signatures) field("Sig", signature.to_string());
  }
  void content_address() {
    if (info_.content_address) field("CA", info_.content_address->to_string());
  }
  void download(const NarDownload& download);
  void other_fields();
  void guix_signature();

  const NarInfo& narinfo_;
  const PathInfo& info_;
  const StoreDir& store_dir_;
  std::string text_;
};

std::string Writer::nix() {
  if (narinfo_.downloads.size() != 1) {
    throw Error(Code::invalid_argument, "a narinfo in Nix's dialect has exactly one download")
        .about(store_dir_.print(info_.path));
  }
  path();
  download(narinfo_.downloads.front());
  nar();
  references();
  deriver();
  signatures();
  content_address();
  other_fields();
  guix_signature();
  return std::move(text_);
}

// What is not Guix's own stands where Guix's signature covers it, but for Nix's signatures.
std::string Writer::guix() {
  path();
  nar();
  references();
  deriver();
  content_address();
  other_fields();
  guix_signature();
  signatures();
  for (const NarDownload& one : narinfo_.downloads) download(one);
  return std::move(text_);
}

void Writer::download(const NarDownload& download) {
  if (download.url.empty() || download.compression.empty()) {
    throw Error(Code::invalid_argument, "a download must have a URL and a compression")
        .about(store_dir_.print(info_.path));
  }
  field("URL", download.url);
  field("Compression", download.compression);
  if (download.file_hash) field("FileHash", download.file_hash->to_string(HashFormat::nix32));
  if (download.file_size) field("FileSize", std::to_string(*download.file_size));
}

void Writer::other_fields() {
  for (const NamedField& other : narinfo_.other_fields) {
    if (Parser::knows(other.name)) {
      throw Error(Code::invalid_argument, "a field of a narinfo has a name that is taken")
          .about(other.name);
    }
  }
  append_fields(text_, narinfo_.other_fields);
}

void Writer::guix_signature() {
  if (!narinfo_.guix_signature) return;
  const NarInfoSignature& signature = *narinfo_.guix_signature;
  if (signature.signed_text != text_) {
    throw Error(Code::invalid_argument,
                "the signature covers another text than the one that would stand above it")
        .about(store_dir_.print(info_.path))
        .hint("leave the signature out, or pass the narinfo on as it came");
  }
  if (signature.host.find(';') != std::string::npos) {
    throw Error(Code::invalid_argument, "the host of a signature must not have a ';'")
        .about(excerpt(signature.host));
  }
  field("Signature", std::string(guix_signature_version) + ";" + signature.host + ";" +
                         base64_encode(as_bytes(signature.expression)));
}

}  // namespace

NarInfo parse_narinfo(std::string_view text, const StoreDir& store_dir) {
  if (text.size() > narinfo_bytes_max) {
    throw Error(Code::limit_exceeded,
                "a narinfo has more than " + std::to_string(narinfo_bytes_max) + " bytes")
        .at(narinfo_bytes_max);
  }
  return Parser(text, store_dir).parse();
}

std::string print_narinfo(const NarInfo& narinfo, const StoreDir& store_dir,
                          NarInfoDialect dialect) {
  if (narinfo.downloads.empty() || narinfo.info.nar_size == 0) {
    throw Error(Code::invalid_argument, "a narinfo must have a download and the size of the NAR")
        .about(store_dir.print(narinfo.info.path));
  }
  Writer writer(narinfo, store_dir);
  return dialect == NarInfoDialect::guix ? writer.guix() : writer.nix();
}

}  // namespace cinch
