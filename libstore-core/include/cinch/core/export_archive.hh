// Nix's export archive: store objects, one after the other, each with what must be known to import
// it. What `nix-store --export` writes and `nix-store --import` reads. Format:
// docs/formats/export.md.
//
// What an object is called follows its content, so whoever imports must keep the content until
// then: a store that takes objects without a name does so (ImportStore), for others a Spool does.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/store.hh>
#include <cinch/core/store_path.hh>
#include <cinch/core/stream.hh>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

namespace cinch {

constexpr std::uint64_t export_references_max = std::uint64_t{1} << 20;  // of one object
constexpr std::uint64_t export_signature_bytes_max = std::uint64_t{1} << 16;

// What follows the NAR of each object.
struct ExportedObject {
  StorePath path;
  StorePathSet references;
  std::optional<StorePath> deriver;
  friend bool operator==(const ExportedObject&, const ExportedObject&) = default;
};

//   for each object: writer.begin_object(); write one NAR to the sink; writer.end_object(object);
//   writer.finish();
class CINCH_CORE_API ExportWriter {
 public:
  // `sink` must outlive it.
  ExportWriter(Sink& sink, StoreDir store_dir) : sink_(sink), store_dir_(std::move(store_dir)) {}

  void begin_object();
  void end_object(const ExportedObject& object);
  void finish();

 private:
  Sink& sink_;
  StoreDir store_dir_;
};

//   while (reader.next()) { read one NAR from reader.nar(); use(reader.read_object()); }
//
// Takes nothing from the source that follows the archive, and so asks for small pieces: `source`
// should buffer. Throws Code::malformed, Code::limit_exceeded, each with the offset.
class CINCH_CORE_API ExportReader {
 public:
  // `source` must outlive it.
  ExportReader(Source& source, StoreDir store_dir)
      : source_(source), store_dir_(std::move(store_dir)) {}

  // Whether another object follows; false: the archive has ended.
  bool next();
  // Exactly one NAR must be read from it: parse_nar() and copy_nar() do.
  Source& nar() { return source_; }
  ExportedObject read_object();
  std::uint64_t offset() const { return source_.offset; }

 private:
  // Counts.
  struct CountedSource final : public Source {
    explicit CountedSource(Source& source) : from(source) {}
    ~CountedSource() override;
    std::size_t read(std::span<std::byte> buffer) override;
    Source& from;
    std::uint64_t offset = 0;
  };

  CountedSource source_;
  StoreDir store_dir_;
};

// Writes the archive of exactly these paths, references first. Throws Code::not_found for a path
// that is not valid; Code::corrupt if content is not what was registered, before the archive is
// complete.
CINCH_CORE_API void export_paths(Store& store, const StorePathSet& paths, Sink& sink,
                                 std::stop_token stop = {});

// Keeps what is written to it until it is read again. Core has no files; whoever imports brings it.
class CINCH_CORE_API Spool : public Sink {
 public:
  ~Spool() override;
  // What was written, from its start; valid as long as the spool. Nothing is written after that.
  virtual Source& read_back() = 0;
};
using MakeSpool = std::function<std::unique_ptr<Spool>()>;

struct ImportOptions {
  // Archives have no signatures: with require_trusted, a store that requires them refuses all.
  SignaturePolicy policy;
  // Used for stores that are no ImportStore.
  MakeSpool make_spool;
};

// Adds all objects of an archive, in its order, and returns their paths. Each is valid at once, so
// that after an error those before it are. Temporary roots protect all. Errors as of ExportReader
// and Store::add_nar.
CINCH_CORE_API std::vector<StorePath> import_paths(Store& store, Source& source,
                                                   const ImportOptions& options,
                                                   std::stop_token stop = {});

}  // namespace cinch
