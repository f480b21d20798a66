// A spool in a file without a name, which vanishes with it however the process ends.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/export_archive.hh>
#include <cinch/files/directory.hh>

#include <memory>
#include <optional>
#include <string>

namespace cinch {

class CINCH_FILES_API FileSpool final : public Spool {
 public:
  // In this directory, which must exist. Small contents stay in memory.
  explicit FileSpool(std::string directory) : directory_(std::move(directory)) {}
  ~FileSpool() override;
  void write(Bytes bytes) override;
  Source& read_back() override;

 private:
  void open();

  std::string directory_;
  std::string head_;  // all of it, as long as there is no file
  Descriptor file_;
  std::unique_ptr<Source> source_;
};

}  // namespace cinch
