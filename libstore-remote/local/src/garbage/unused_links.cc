#include "unused_links.hh"

#include "../optimise/file_linker.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>
#include <cinch/files/parallel.hh>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <optional>
#include <string_view>
#include <vector>

#include <signal.h>
#include <sys/stat.h>

namespace cinch::local {

namespace {

constexpr PiecesOptions pieces = {.piece_max = 256, .threads_max = 16, .wait_for_disk = true};
constexpr std::uint64_t stat_block_bytes = 512;
// A name that is as old as this is left over even if a process has the number.
constexpr std::time_t link_seconds_max = 3600;

std::uint64_t delete_if_unused(const Directory& links, const std::string& name) {
  const std::optional<struct stat> status = links.stat(name);
  if (!status || status->st_nlink != 1 || !remove_link(links, name)) return 0;
  return static_cast<std::uint64_t>(status->st_blocks) * stat_block_bytes;
}

}  // namespace

std::uint64_t delete_unused_links(const Directory& objects, const std::stop_token& stop) {
  if (!objects.stat(links_name)) return 0;
  const Directory links = objects.open_directory(links_name);
  const std::vector<DirectoryEntry> entries = links.list();
  std::atomic<std::uint64_t> freed_bytes{0};
  run_parallel_pieces(entries.size(), pieces, [&](std::size_t begin, std::size_t end) {
    check_cancelled(stop);
    for (std::size_t at = begin; at < end; ++at) {
      freed_bytes += delete_if_unused(links, entries[at].name);
    }
  });
  return freed_bytes;
}

bool is_abandoned_link(const Directory& objects, const std::string& name) {
  if (!name.starts_with(temporary_link_prefix)) return false;
  const std::string_view rest = std::string_view(name).substr(temporary_link_prefix.size());
  pid_t process = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), process);
  if (error != std::errc() || end == rest.data() + rest.size() || *end != '-') return false;
  if (::kill(process, 0) != 0 && errno == ESRCH) return true;
  const std::optional<struct stat> status = objects.stat(name);
  return status && status->st_ctim.tv_sec + link_seconds_max < std::time(nullptr);
}

}  // namespace cinch::local
