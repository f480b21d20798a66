// An export archive that is accepted is read as the same again after it was written.
#include "fuzz.hh"

#include <cinch/core/export_archive.hh>
#include <cinch/core/nar.hh>

#include <string>
#include <utility>
#include <vector>

using namespace cinch;

namespace {

using Objects = std::vector<std::pair<std::string, ExportedObject>>;

Objects read(std::string_view input) {
  StringSource source(input);
  ExportReader reader(source, StoreDir());
  Objects objects;
  while (reader.next()) {
    StringSink nar(input.size());
    copy_nar(reader.nar(), nar);
    objects.emplace_back(nar.take(), reader.read_object());
  }
  return objects;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::refusals_are_fine([&] {
    const Objects objects = read(fuzz::as_input(data, size));
    StringSink written(2 * size + 64);
    ExportWriter writer(written, StoreDir());
    for (const auto& [nar, object] : objects) {
      writer.begin_object();
      written.write(as_bytes(nar));
      writer.end_object(object);
    }
    writer.finish();
    fuzz::require(read(written.text()) == objects);
  });
  return 0;
}
