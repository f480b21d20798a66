// What stands behind those handles of cinch.h that are values of the model, and how the numbers of
// cinch.h become those of C++. handles.hh has the handles of stores.
#pragma once

#include "handles.hh"
#include "stream_handle.hh"

#include <cinch/core/content_address.hh>
#include <cinch/core/hash.hh>
#include <cinch/core/path_info_json.hh>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cinch::capi {

// Each throws Code::invalid_argument for a number that is none.
HashAlgorithm hash_algorithm(std::uint32_t number);
ContentAddressMethod content_address_method(std::uint32_t number);

std::uint32_t number_of(ContentAddressMethod method);

// 1 to 3; throws Code::not_supported for others.
PathInfoFormat path_info_format(std::uint32_t number);
StoreDir store_dir_of(const cinch_path& path);

}  // namespace cinch::capi

struct cinch_hash {
  cinch::Hash hash;
};

struct cinch_hasher {
  cinch::capi::StreamHandle<cinch::MultiHasher> stream;
  std::uint64_t size_bytes = 0;
  std::vector<cinch_hash> hashes;
};

struct cinch_content_address {
  explicit cinch_content_address(const cinch::ContentAddress& value)
      : address(value), text(value.to_string()), hash{value.hash} {}
  cinch::ContentAddress address;
  std::string text;
  cinch_hash hash;
};
