// Files of the user, as content for the store.
#pragma once

#include <cinch/core/content_address.hh>
#include <cinch/core/stream.hh>

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

namespace cinch::cli {

// Writes what a store takes for the method: the NAR (nar, git), or the bytes of a regular file.
void write_content(const std::string& file, ContentAddressMethod method, Sink& sink,
                   std::stop_token stop = {});

// The same, to be read; a thread of its own produces it.
std::unique_ptr<Source> read_content(const std::string& file, ContentAddressMethod method,
                                     std::stop_token stop = {});

// The hash that the method makes of the file or tree; for git that of any file or symlink, too.
Hash hash_content(const std::string& file, ContentAddressMethod method, HashAlgorithm algorithm);

// The last component of a name that the user gave, whatever slashes and dots it ends in.
std::string name_of_file(const std::string& file);

// Reads a whole file of the user, or standard input for "-".
std::string read_whole_file(const std::string& file, std::uint64_t size_bytes_max);

}  // namespace cinch::cli
