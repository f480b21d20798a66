#include "convert.hh"

#include <cinch/core/store_path.hh>

using cinch::StoreDir;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::lend;
using cinch::capi::view;

extern "C" {

cinch_error* cinch_path_parse(cinch_str store_dir, cinch_str text, cinch_path** path_out) noexcept {
  return guarded([&] {
    cinch_path*& out = deref(path_out, "path_out");
    const StoreDir directory(view(store_dir));
    out = new cinch_path(directory, directory.parse(view(text)));
  });
}

cinch_error* cinch_path_clone(const cinch_path* path, cinch_path** path_out) noexcept {
  return guarded([&] { deref(path_out, "path_out") = new cinch_path(deref(path, "path")); });
}

cinch_str cinch_path_text(const cinch_path* path) noexcept { return lend(path->text); }

cinch_str cinch_path_base_name(const cinch_path* path) noexcept {
  return lend(path->path.base_name());
}

cinch_str cinch_path_name(const cinch_path* path) noexcept { return lend(path->path.name()); }

cinch_str cinch_path_hash_part(const cinch_path* path) noexcept {
  return lend(path->path.hash_part());
}

void cinch_path_free(cinch_path* path) noexcept { delete path; }

size_t cinch_paths_count(const cinch_paths* paths) noexcept { return paths->list.size(); }

const cinch_path* cinch_paths_at(const cinch_paths* paths, size_t index) noexcept {
  return index < paths->list.size() ? &paths->list[index] : nullptr;
}

void cinch_paths_free(cinch_paths* paths) noexcept { delete paths; }

}  // extern "C"
