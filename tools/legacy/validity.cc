// nix-store --check-validity, --verify-path, --generate-binary-cache-key.
#include "store_call.hh"

#include <cinch/core/error.hh>
#include <cinch/core/signature.hh>
#include <cinch/files/directory.hh>

#include <filesystem>

namespace cinch::cli {

namespace {

int run_check_validity(StoreCall& call) {
  call.allow_flags({"--print-invalid"});
  const std::vector<StorePath> paths = call.argument_paths();
  const StorePathSet valid = call.store().find_valid({paths.begin(), paths.end()});
  for (const StorePath& path : paths) {
    if (valid.contains(path)) continue;
    if (!call.has("--print-invalid")) {
      throw Error(Code::not_found, "path '" + call.shown(path) + "' is not valid");
    }
    call.print(path);
  }
  return 0;
}

int run_verify_path(StoreCall& call) {
  call.allow_flags({});
  const std::stop_token stop = call.stop();
  int status = 0;
  for (const StorePath& path : call.argument_paths()) {
    const PathInfo info = call.store().require(path);
    Hasher hasher(HashAlgorithm::sha256);
    call.store().read_nar(path, hasher, stop);
    const Hash found = hasher.finish();
    if (found == info.nar_hash) continue;
    call.context.console.error("path '" + call.shown(path) + "' was modified: expected hash '" +
                               info.nar_hash.to_string(HashFormat::nix32) + "', got '" +
                               found.to_string(HashFormat::nix32) + "'");
    status = 1;
  }
  return status;
}

void write_file(const std::string& name, const std::string& text, mode_t mode) {
  const std::filesystem::path full = std::filesystem::absolute(name).lexically_normal();
  Directory::open(full.parent_path().string()).write_file(full.filename().string(), text, mode);
}

int run_generate_key(StoreCall& call) {
  call.allow_flags({});
  call.allow_arguments(3, "three arguments expected");
  const SecretKey key = SecretKey::generate(call.arguments[0]);
  write_file(call.arguments[2], key.public_key().to_string(), 0644);
  write_file(call.arguments[1], key.to_string(), 0600);
  return 0;
}

constexpr StoreOperation table[] = {
    {"--check-validity", run_check_validity},
    {"--verify-path", run_verify_path},
    {"--generate-binary-cache-key", run_generate_key},
};

}  // namespace

constinit const std::span<const StoreOperation> validity_operations = table;

}  // namespace cinch::cli
