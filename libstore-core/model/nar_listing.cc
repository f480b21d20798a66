#include "nar_tokens.hh"
#include "tree_builder.hh"
#include "tree_json.hh"

#include <cinch/core/error.hh>
#include <cinch/core/nar_listing.hh>

namespace cinch {

struct NarListingBuilder::State {
  void begin_node();
  void end_node();

  TreeBuilder<ListedContents> tree{nar_listing_objects_max};
  std::uint64_t offset = 0;  // where the NAR stands after the events so far
  std::uint64_t size = 0;    // of the open file
};

NarListingBuilder::NarListingBuilder() : state_(std::make_unique<State>()) {}
NarListingBuilder::~NarListingBuilder() = default;

void NarListingBuilder::directory() {
  state_->begin_node();
  state_->offset += nar::directory.size();
  state_->tree.directory();
}

void NarListingBuilder::entry(std::string_view name) {
  state_->offset += nar::entry.size() + nar::entry_name.size() + nar::token_bytes(name.size()) +
                    nar::entry_node.size();
  state_->tree.entry(name);
}

void NarListingBuilder::file(std::uint64_t size_bytes, bool executable) {
  state_->begin_node();
  state_->offset += nar::regular.size() + sizeof(std::uint64_t);
  state_->offset +=
      executable ? nar::executable.size() + nar::executable_marker.size() : nar::contents.size();
  state_->size = size_bytes;
  state_->tree.file({.size_bytes = size_bytes, .nar_offset = state_->offset}, executable);
}

void NarListingBuilder::contents(Bytes) {}

void NarListingBuilder::symlink(std::string_view target) {
  state_->begin_node();
  state_->offset += nar::symlink.size() + nar::target.size() + nar::token_bytes(target.size());
  state_->tree.symlink(target);
  state_->end_node();
}

void NarListingBuilder::leave() {
  if (state_->tree.is_file_open()) state_->offset += nar::padded(state_->size);
  state_->tree.leave();
  state_->end_node();
}

NarListing NarListingBuilder::take() { return state_->tree.take(); }

void NarListingBuilder::State::begin_node() {
  tree.spend(1);
  if (offset == 0) offset += nar::magic.size();
  offset += nar::node.size();
}

// The end of the node, and of the entry that it is in.
void NarListingBuilder::State::end_node() {
  offset += tree.open() == 0 ? nar::close.size() : 2 * nar::close.size();
}

namespace {

std::uint64_t read_number(const JsonNode& node, std::uint64_t number_max) {
  if (!node.value().is_number_unsigned()) node.fail("expected a number that is not negative");
  const auto number = node.value().get<std::uint64_t>();
  if (number > number_max) {
    throw Error(Code::limit_exceeded, "the number is larger than a file in a NAR can be")
        .about(node.place());
  }
  return number;
}

ListedContents read_listed(const JsonNode& file) {
  ListedContents listed{.size_bytes = read_number(file.require("size"), nar_file_bytes_max),
                        .nar_offset = std::nullopt};
  if (const auto offset = file.find("narOffset")) {
    listed.nar_offset = read_number(*offset, nar_file_bytes_max);
  }
  return listed;
}

Json listing_to_json(const NarListing& listing) {
  return tree_to_json(listing, [](const ListedContents& contents, Json& json) {
    json["size"] = contents.size_bytes;
    if (contents.nar_offset) json["narOffset"] = *contents.nar_offset;
  });
}

NarListing read_object(const JsonNode& node) {
  return tree_from_json<ListedContents>(node, read_listed);
}

NarListing read_listing(const JsonNode& root) {
  const JsonNode version = root.require("version");
  if (!version.value().is_number_integer()) version.fail("expected a number");
  if (version.value() != 1) {
    throw Error(Code::not_supported,
                "a NAR listing of version " + version.value().dump() + " is not supported")
        .about(version.place());
  }
  return read_object(root.require("root"));
}

}  // namespace

std::string print_nar_listing(const NarListing& listing) {
  return dump_json({{"root", listing_to_json(listing)}, {"version", 1}});
}

NarListing parse_nar_listing(std::string_view json) {
  return read_json(json, nar_listing_json_bytes_max, read_listing, tree_json_depth_max);
}

std::string print_listed_object(const NarListing& object, ListingDepth depth) {
  const auto* directory = object.directory();
  if (depth == ListingDepth::all || directory == nullptr) {
    return dump_json(listing_to_json(object));
  }
  Json entries = Json::object();
  for (const auto& [name, entry] : directory->entries) entries[name] = Json::object();
  return dump_json({{"type", "directory"}, {"entries", std::move(entries)}});
}

NarListing parse_listed_object(std::string_view json) {
  return read_json(json, nar_listing_json_bytes_max, read_object, tree_json_depth_max);
}

Bytes contents_in_nar(Bytes nar, const ListedContents& file) {
  if (!file.nar_offset) {
    throw Error(Code::invalid_argument, "the listing does not say where in the NAR the file is");
  }
  const std::uint64_t offset = *file.nar_offset;
  constexpr std::size_t head_bytes = nar::magic.size() + nar::node.size() + nar::regular.size() +
                                     nar::contents.size() + sizeof(std::uint64_t);
  const bool fits =
      offset >= head_bytes && offset <= nar.size() && file.size_bytes <= nar.size() - offset;
  if (!fits || nar::load_length(nar.data() + offset - 8) != file.size_bytes ||
      std::memcmp(nar.data() + offset - 8 - nar::contents.size(), nar::contents.data(),
                  nar::contents.size()) != 0) {
    throw Error(Code::malformed, "the NAR has no file of " + std::to_string(file.size_bytes) +
                                     " bytes where the listing says")
        .at(offset);
  }
  return nar.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(file.size_bytes));
}

}  // namespace cinch
