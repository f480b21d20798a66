#include "convert.hh"

#include <cinch/files/descriptor.hh>
#include <cinch/files/directory.hh>
#include <cinch/local/local_store.hh>

#include <cerrno>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>

using cinch::AddContent;
using cinch::ContentAddressMethod;
using cinch::capi::check_callback;
using cinch::capi::deref;
using cinch::capi::file_name;
using cinch::capi::guarded;
using cinch::capi::lend;
using cinch::capi::path_set;
using cinch::capi::token_of;
using cinch::capi::view;

namespace cinch::capi {

void CallbackSink::write(Bytes bytes) {
  if (!bytes.empty()) check_callback(callback_(lend(as_text(bytes)), payload_));
}

}  // namespace cinch::capi

namespace {

// Pipes and devices are refused without a wait: they may give bytes for ever, or none.
cinch::Descriptor open_regular_file(const std::string& full_name) {
  cinch::Descriptor opened(::open(full_name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!opened || ::fstat(opened.get(), &status) != 0) {
    throw cinch::system_error(errno, "cannot open", full_name);
  }
  if (!S_ISREG(status.st_mode)) {
    throw cinch::Error(cinch::Code::not_supported, "this is not a regular file").about(full_name);
  }
  return opened;
}

cinch::LocalStore& tree_store(cinch::Store& store) {
  return cinch::require_capability<cinch::LocalStore>(store, "add a tree of this machine's files");
}

}  // namespace

extern "C" {

cinch_error* cinch_store_add_file(const cinch_store* store, cinch_str name, cinch_str file,
                                  const cinch_cancel* cancel, cinch_path** path_out) noexcept {
  return guarded([&] {
    cinch_path*& out = deref(path_out, "path_out");
    cinch::Store& backend = *deref(store, "store").store;
    const std::string full_name = file_name(file);
    const cinch::Descriptor opened = open_regular_file(full_name);
    cinch::DescriptorSource source(opened.get(), full_name);
    const AddContent options{
        .name = std::string(view(name)), .method = ContentAddressMethod::flat, .references = {}};
    const auto info = backend.add_content(options, source, token_of(cancel));
    out = new cinch_path(backend.store_dir(), info.path);
  });
}

cinch_error* cinch_store_add_tree(const cinch_store* store, cinch_str name, cinch_str file,
                                  const cinch_cancel* cancel, cinch_path** path_out) noexcept {
  return guarded([&] {
    cinch_path*& out = deref(path_out, "path_out");
    cinch::Store& backend = *deref(store, "store").store;
    const auto info =
        tree_store(backend).add_tree(std::string(view(name)), file_name(file), token_of(cancel));
    out = new cinch_path(backend.store_dir(), info.path);
  });
}

cinch_error* cinch_store_add_filtered_tree(const cinch_store* store, cinch_str name, cinch_str file,
                                           cinch_filter_fn filter, void* payload,
                                           const cinch_cancel* cancel,
                                           cinch_path** path_out) noexcept {
  return guarded([&] {
    cinch_path*& out = deref(path_out, "path_out");
    deref(filter, "filter");
    cinch::Store& backend = *deref(store, "store").store;
    cinch::AddTreeOptions options;
    options.filter = [&](std::string_view path) {
      bool included = true;
      check_callback(filter(lend(path), &included, payload));
      return included;
    };
    const auto info = tree_store(backend).add_tree(std::string(view(name)), file_name(file),
                                                   options, token_of(cancel));
    out = new cinch_path(backend.store_dir(), info.path);
  });
}

cinch_error* cinch_store_add_text(const cinch_store* store, cinch_str name, cinch_str text,
                                  const cinch_path* const* references, size_t references_count,
                                  cinch_path** path_out) noexcept {
  return guarded([&] {
    cinch_path*& out = deref(path_out, "path_out");
    cinch::Store& backend = *deref(store, "store").store;
    cinch::StringSource source(view(text));
    const AddContent options{.name = std::string(view(name)),
                             .method = ContentAddressMethod::text,
                             .references = path_set(references, references_count, "references")};
    out = new cinch_path(backend.store_dir(), backend.add_content(options, source).path);
  });
}

cinch_error* cinch_store_read_nar(const cinch_store* store, const cinch_path* path,
                                  const cinch_cancel* cancel, cinch_write_fn write,
                                  void* payload) noexcept {
  return guarded([&] {
    deref(write, "write");
    cinch::capi::CallbackSink sink(write, payload);
    deref(store, "store").store->read_nar(deref(path, "path").path, sink, token_of(cancel));
  });
}

cinch_error* cinch_store_read_log(const cinch_store* store, const cinch_path* derivation,
                                  cinch_write_fn write, void* payload, bool* found_out) noexcept {
  return guarded([&] {
    bool& out = deref(found_out, "found_out");
    deref(write, "write");
    cinch::Store& backend = *deref(store, "store").store;
    cinch::capi::CallbackSink sink(write, payload);
    auto& logs = cinch::require_capability<cinch::LogStore>(backend, "keep build logs");
    out = logs.read_log(deref(derivation, "derivation").path, sink);
  });
}

}  // extern "C"
