#include "convert.hh"

#include <cinch/core/file_system_object.hh>
#include <cinch/core/nar.hh>

using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::view;

namespace {

// Trees in memory are for small ones.
constexpr std::uint64_t tree_bytes_max = std::uint64_t{1} << 30;

}  // namespace

extern "C" {

cinch_error* cinch_nar_print_tree_json(cinch_str nar, cinch_text** json_out) noexcept {
  return guarded([&] {
    cinch_text*& out = deref(json_out, "json_out");
    cinch::MemoryTreeBuilder builder(tree_bytes_max);
    cinch::NarParserSink parser(builder);
    parser.write(cinch::as_bytes(view(nar)));
    parser.finish();
    out = new cinch_text{cinch::print_tree_json(builder.take())};
  });
}

cinch_error* cinch_nar_of_tree_json(cinch_str json, cinch_write_fn write, void* payload) noexcept {
  return guarded([&] {
    const cinch::MemoryTree tree = cinch::parse_tree_json(view(json), tree_bytes_max);
    cinch::capi::CallbackSink sink(write, payload);
    cinch::NarWriter writer(sink);
    cinch::visit_tree(tree, writer);
    writer.finish();
  });
}

}  // extern "C"
