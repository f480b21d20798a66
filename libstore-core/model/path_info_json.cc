// Format: docs/formats/path-info.md.
#include "json_values.hh"

#include <cinch/core/error.hh>
#include <cinch/core/path_info_json.hh>

#include <limits>
#include <utility>

namespace cinch {

namespace {

constexpr std::uint64_t number_max = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t time_max = std::numeric_limits<std::int64_t>::max();

// --- writing ---

Json path_json(const StorePath& path, const StoreDir& store_dir, PathInfoFormat format) {
  if (format == PathInfoFormat::v1) return store_dir.print(path);
  return path.base_name();
}

Json content_address_json(const PathInfo& info, PathInfoFormat format) {
  if (!info.content_address) return nullptr;
  if (format == PathInfoFormat::v1) return info.content_address->to_string();
  return to_json(*info.content_address);
}

// What is unknown is null, never left out.
void add_impure(Json& json, const PathInfo& info, const StoreDir& store_dir,
                PathInfoFormat format) {
  json["deriver"] = nullptr;
  if (info.deriver) json["deriver"] = path_json(*info.deriver, store_dir, format);
  json["registrationTime"] = nullptr;
  if (info.registration_time != 0) json["registrationTime"] = info.registration_time;
  json["ultimate"] = info.ultimate;
  Json& signatures = json["signatures"] = Json::array();
  for (const Signature& signature : info.signatures) {
    signatures.push_back(format == PathInfoFormat::v3 ? to_json(signature)
                                                      : Json(signature.to_string()));
  }
}

Json info_json(const PathInfo& info, const StoreDir& store_dir,
               const PathInfoJsonOptions& options) {
  Json json = {{"version", static_cast<int>(options.format)},
               {"storeDir", store_dir.text()},
               {"narHash", info.nar_hash.to_string(HashFormat::sri)},
               {"narSize", info.nar_size},
               {"references", Json::array()},
               {"ca", content_address_json(info, options.format)}};
  for (const StorePath& reference : info.references) {
    json["references"].push_back(path_json(reference, store_dir, options.format));
  }
  if (!options.pure) add_impure(json, info, store_dir, options.format);
  if (options.closure_size) json["closureSize"] = *options.closure_size;
  if (options.closure_download_size) json["closureDownloadSize"] = *options.closure_download_size;
  return json;
}

// Key names and URLs are bytes; JSON is not.
std::string dump(const Json& json) {
  try {
    return json.dump();
  } catch (const Json::type_error&) {
    throw Error(Code::invalid_argument,
                "the name of a key or a URL is not UTF-8, so that JSON cannot carry it");
  }
}

// --- reading ---

PathInfoFormat read_format(const JsonNode& node) {
  const auto version = node.find("version");
  if (!version) return PathInfoFormat::v1;
  const std::uint64_t number = read_number(*version, number_max);
  if (number < 1 || number > 3) {
    throw Error(Code::not_supported,
                "path infos in JSON format " + std::to_string(number) + " are not supported")
        .about(version->place())
        .hint("this version reads the formats 1 to 3");
  }
  return static_cast<PathInfoFormat>(number);
}

void check_store_dir(const JsonNode& node, const StoreDir& store_dir) {
  const auto given = node.find("storeDir");
  if (given && given->string() != store_dir.text()) {
    given->fail("this is about the store directory '" + given->string() + "', not '" +
                store_dir.text() + "'");
  }
}

bool is_known(const std::optional<JsonNode>& node) { return node && !node->value().is_null(); }

class Reader {
 public:
  Reader(const StoreDir& store_dir, PathInfoFormat format)
      : store_dir_(store_dir), format_(format) {}

  PathInfo read(const JsonNode& node, StorePath path) const;

 private:
  StorePath read_path(const JsonNode& node) const {
    if (format_ != PathInfoFormat::v1) return read_base_name(node);
    return parse_text(node, [&](const std::string& text) { return store_dir_.parse(text); });
  }
  ContentAddress read_address(const JsonNode& node) const {
    if (format_ != PathInfoFormat::v1) return read_content_address(node);
    return parse_text(node, [](const std::string& text) { return ContentAddress::parse(text); });
  }
  void read_impure(const JsonNode& node, PathInfo& info) const;

  const StoreDir& store_dir_;
  PathInfoFormat format_;
};

PathInfo Reader::read(const JsonNode& node, StorePath path) const {
  check_store_dir(node, store_dir_);
  const JsonNode nar_hash = node.require("narHash");
  PathInfo info{.path = std::move(path), .nar_hash = read_hash(nar_hash)};
  if (info.nar_hash.algorithm() != HashAlgorithm::sha256) {
    nar_hash.fail("the hash of a NAR must be of the algorithm sha256");
  }
  info.nar_size = read_number(node.require("narSize"), number_max);
  for_each_element(node.require("references"), [&](const JsonNode& reference) {
    info.references.insert(read_path(reference));
  });
  const auto address = node.find("ca");
  if (is_known(address)) info.content_address = read_address(*address);
  read_impure(node, info);
  return info;
}

void Reader::read_impure(const JsonNode& node, PathInfo& info) const {
  const auto deriver = node.find("deriver");
  if (is_known(deriver)) info.deriver = read_path(*deriver);
  const auto time = node.find("registrationTime");
  if (is_known(time)) {
    info.registration_time = static_cast<std::int64_t>(read_number(*time, time_max));
  }
  if (const auto ultimate = node.find("ultimate")) info.ultimate = read_bool(*ultimate);
  if (const auto signatures = node.find("signatures")) {
    info.signatures = read_signatures(*signatures);
  }
}

PathInfo read_info(const JsonNode& node, StorePath path, const StoreDir& store_dir) {
  return Reader(store_dir, read_format(node)).read(node, std::move(path));
}

using Infos = std::map<StorePath, std::optional<PathInfo>>;

std::optional<PathInfo> read_entry(const JsonNode& node, const StorePath& path,
                                   const StoreDir& store_dir) {
  if (node.value().is_null()) return std::nullopt;
  const auto valid = node.find("valid");  // the list of old versions has it
  if (valid && !read_bool(*valid)) return std::nullopt;
  return read_info(node, path, store_dir);
}

Infos read_list(const JsonNode& list, const StoreDir& store_dir) {
  Infos infos;
  for_each_element(list, [&](const JsonNode& entry) {
    const JsonNode node = entry.require("path");
    const StorePath path =
        parse_text(node, [&](const std::string& text) { return store_dir.parse(text); });
    if (!infos.emplace(path, read_entry(entry, path, store_dir)).second) {
      node.fail("the path is in the list twice");
    }
  });
  return infos;
}

template <class ParsePath>
Infos read_object(const JsonNode& object, const StoreDir& store_dir, ParsePath parse_path) {
  Infos infos;
  for (const auto& [key, value] : object.object()) {
    const JsonNode entry(object, key, value);
    try {
      const StorePath path = parse_path(key);
      infos.emplace(path, read_entry(entry, path, store_dir));
    } catch (Error& error) {
      error.set_subject_if_empty(entry.place());
      throw;
    }
  }
  return infos;
}

NarInfo read_narinfo(const JsonNode& node, const StorePath& path, const StoreDir& store_dir) {
  NarInfo narinfo{.info = read_info(node, path, store_dir)};
  NarDownload download{.url = node.require("url").string(),
                       .compression = node.require("compression").string()};
  if (const auto hash = node.find("downloadHash")) download.file_hash = read_hash(*hash);
  if (const auto size = node.find("downloadSize")) {
    download.file_size = read_number(*size, number_max);
  }
  narinfo.downloads.push_back(std::move(download));
  return narinfo;
}

Infos read_infos(const JsonNode& root, const StoreDir& store_dir) {
  if (root.value().is_array()) return read_list(root, store_dir);
  // No full path is called "version".
  if (!root.find("version")) {
    return read_object(root, store_dir,
                       [&](const std::string& key) { return store_dir.parse(key); });
  }
  read_format(root);
  check_store_dir(root, store_dir);
  return read_object(root.require("info"), store_dir,
                     [](const std::string& key) { return StorePath::parse(key); });
}

}  // namespace

std::string print_path_info_json(const PathInfo& info, const StoreDir& store_dir,
                                 const PathInfoJsonOptions& options) {
  return dump(info_json(info, store_dir, options));
}

std::string print_narinfo_json(const NarInfo& narinfo, const StoreDir& store_dir,
                               const PathInfoJsonOptions& options) {
  Json json = info_json(narinfo.info, store_dir, options);
  if (!options.pure && !narinfo.downloads.empty()) {
    const NarDownload& download = narinfo.downloads.front();
    json["url"] = download.url;
    json["compression"] = download.compression;
    if (download.file_hash) json["downloadHash"] = download.file_hash->to_string(HashFormat::sri);
    if (download.file_size) json["downloadSize"] = *download.file_size;
  }
  return dump(json);
}

PathInfo parse_path_info_json(std::string_view json, const StorePath& path,
                              const StoreDir& store_dir) {
  return read_json(json, path_info_json_bytes_max,
                   [&](const JsonNode& root) { return read_info(root, path, store_dir); });
}

NarInfo parse_narinfo_json(std::string_view json, const StorePath& path,
                           const StoreDir& store_dir) {
  return read_json(json, path_info_json_bytes_max,
                   [&](const JsonNode& root) { return read_narinfo(root, path, store_dir); });
}

std::string print_path_infos_json(std::span<const PathInfoEntry> entries, const StoreDir& store_dir,
                                  PathInfoFormat format) {
  Json by_path = Json::object();
  for (const PathInfoEntry& entry : entries) {
    Json& json = by_path[path_json(entry.path, store_dir, format).get<std::string>()];
    if (!entry.info) continue;
    json =
        info_json(*entry.info, store_dir, {.format = format, .closure_size = entry.closure_size});
  }
  if (format == PathInfoFormat::v1) return dump(by_path);
  return dump({{"info", std::move(by_path)},
               {"storeDir", store_dir.text()},
               {"version", static_cast<int>(format)}});
}

Infos parse_path_infos_json(std::string_view json, const StoreDir& store_dir) {
  return read_json(json, path_info_json_bytes_max,
                   [&](const JsonNode& root) { return read_infos(root, store_dir); });
}

}  // namespace cinch
