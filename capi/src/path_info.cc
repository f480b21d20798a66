#include "convert.hh"

#include <cinch/core/closure.hh>

#include <set>

using cinch::PathInfo;
using cinch::StorePath;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::lend;
using cinch::capi::path_set;
using cinch::capi::view;

cinch_path_info::cinch_path_info(const cinch::StoreDir& store_dir, const PathInfo& value)
    : info(value),
      path(store_dir, info.path),
      nar_hash(info.nar_hash.to_string(cinch::HashFormat::sri)) {
  references.reserve(info.references.size());
  for (const StorePath& reference : info.references) references.emplace_back(store_dir, reference);
  if (info.deriver) deriver.emplace(store_dir, *info.deriver);
  for (const cinch::Signature& signature : info.signatures) {
    signatures.push_back(signature.to_string());
  }
  if (info.content_address) content_address = info.content_address->to_string();
}

void cinch_path_info::add_signature(const cinch::Signature& signature) {
  if (!info.signatures.insert(signature).second) return;
  signatures.clear();
  for (const cinch::Signature& each : info.signatures) signatures.push_back(each.to_string());
}

extern "C" {

cinch_error* cinch_store_is_valid(const cinch_store* store, const cinch_path* path,
                                  bool* valid_out) noexcept {
  return guarded([&] {
    deref(valid_out, "valid_out") = deref(store, "store").store->is_valid(deref(path, "path").path);
  });
}

cinch_error* cinch_store_find(const cinch_store* store, const cinch_path* const* paths,
                              size_t paths_count, cinch_path_infos** infos_out) noexcept {
  return guarded([&] {
    cinch_path_infos*& out = deref(infos_out, "infos_out");
    cinch::Store& backend = *deref(store, "store").store;
    std::vector<StorePath> wanted;
    if (paths_count > 0) deref(paths, "paths");
    for (size_t i = 0; i < paths_count; ++i) wanted.push_back(deref(paths[i], "paths").path);
    auto infos = std::make_unique<cinch_path_infos>();
    for (const auto& info : backend.find(wanted)) {
      auto& slot = infos->list.emplace_back();
      if (info) slot.emplace(backend.store_dir(), *info);
    }
    out = infos.release();
  });
}

cinch_error* cinch_store_find_by_hash_part(const cinch_store* store, cinch_str hash_part,
                                           cinch_path** path_out) noexcept {
  return guarded([&] {
    cinch_path*& out = deref(path_out, "path_out");
    cinch::Store& backend = *deref(store, "store").store;
    const auto found = backend.find_by_hash_part(view(hash_part));
    out = found ? new cinch_path(backend.store_dir(), *found) : nullptr;
  });
}

cinch_error* cinch_store_closure(const cinch_store* store, const cinch_path* const* paths,
                                 size_t paths_count, cinch_path_infos** infos_out) noexcept {
  return guarded([&] {
    cinch_path_infos*& out = deref(infos_out, "infos_out");
    cinch::Store& backend = *deref(store, "store").store;
    const auto closure = cinch::compute_closure(backend, path_set(paths, paths_count, "paths"));
    auto infos = std::make_unique<cinch_path_infos>();
    for (const StorePath& path : cinch::sort_topologically(closure)) {
      infos->list.emplace_back(std::in_place, backend.store_dir(), closure.at(path));
    }
    out = infos.release();
  });
}

size_t cinch_path_infos_count(const cinch_path_infos* infos) noexcept { return infos->list.size(); }

const cinch_path_info* cinch_path_infos_at(const cinch_path_infos* infos, size_t index) noexcept {
  if (index >= infos->list.size() || !infos->list[index]) return nullptr;
  return &*infos->list[index];
}

void cinch_path_infos_free(cinch_path_infos* infos) noexcept { delete infos; }

const cinch_path* cinch_path_info_path(const cinch_path_info* info) noexcept { return &info->path; }

cinch_str cinch_path_info_nar_hash(const cinch_path_info* info) noexcept {
  return lend(info->nar_hash);
}

uint64_t cinch_path_info_nar_size_bytes(const cinch_path_info* info) noexcept {
  return info->info.nar_size;
}

size_t cinch_path_info_references_count(const cinch_path_info* info) noexcept {
  return info->references.size();
}

const cinch_path* cinch_path_info_reference_at(const cinch_path_info* info, size_t index) noexcept {
  return index < info->references.size() ? &info->references[index] : nullptr;
}

const cinch_path* cinch_path_info_deriver(const cinch_path_info* info) noexcept {
  return info->deriver ? &*info->deriver : nullptr;
}

int64_t cinch_path_info_registration_unix_seconds(const cinch_path_info* info) noexcept {
  return info->info.registration_time;
}

bool cinch_path_info_is_ultimate(const cinch_path_info* info) noexcept {
  return info->info.ultimate;
}

size_t cinch_path_info_signatures_count(const cinch_path_info* info) noexcept {
  return info->signatures.size();
}

cinch_str cinch_path_info_signature_at(const cinch_path_info* info, size_t index) noexcept {
  return lend(index < info->signatures.size() ? std::string_view(info->signatures[index]) : "");
}

cinch_str cinch_path_info_content_address(const cinch_path_info* info) noexcept {
  return lend(info->content_address);
}

}  // extern "C"
