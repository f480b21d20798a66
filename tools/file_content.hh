// Files of the user, as content for the store.
#pragma once

#include <cinch/core/content_address.hh>
#include <cinch/core/stream.hh>

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

namespace cinch::cli {

// Writes what the method makes of the file or tree: its NAR, or the bytes of a regular file.
void write_content(const std::string& file, ContentAddressMethod method, Sink& sink,
                   std::stop_token stop = {});

// The same, to be read; a thread of its own produces it.
std::unique_ptr<Source> read_content(const std::string& file, ContentAddressMethod method,
                                     std::stop_token stop = {});

// The last component of a name that the user gave, whatever slashes and dots it ends in.
std::string name_of_file(const std::string& file);

// Reads a whole file of the user, or standard input for "-".
std::string read_whole_file(const std::string& file, std::uint64_t size_bytes_max);

}  // namespace cinch::cli
