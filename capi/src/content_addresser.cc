#include "convert.hh"
#include "model_handles.hh"

#include <cinch/core/content_addressed_rewrite.hh>

#include <exception>

using cinch::ContentAddressedRewrite;
using cinch::StoreDir;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::view;

struct cinch_content_addresser {
  StoreDir store_dir;
  ContentAddressedRewrite rewrite;
};

namespace {

// What `write` of cinch_nar_fn reaches. No exception may pass through the callback: it waits here.
struct Destination {
  cinch::Sink& sink;
  std::exception_ptr error;
};

std::int32_t write_on(cinch_str bytes, void* payload) {
  auto& destination = *static_cast<Destination*>(payload);
  if (destination.error) return 1;
  try {
    destination.sink.write(cinch::as_bytes(view(bytes)));
    return 0;
  } catch (...) {
    destination.error = std::current_exception();
    return 1;
  }
}

ContentAddressedRewrite::WriteNar nar_of(cinch_nar_fn nar, void* payload) {
  deref(nar, "nar");
  return [nar, payload](cinch::Sink& sink) {
    Destination destination{sink, nullptr};
    const std::int32_t answer = nar(write_on, &destination, payload);
    if (destination.error) std::rethrow_exception(destination.error);
    cinch::capi::check_callback(answer);
  };
}

}  // namespace

extern "C" {

cinch_error* cinch_content_addresser_new(cinch_str store_dir,
                                         cinch_content_addresser** addresser_out) noexcept {
  return guarded([&] {
    cinch_content_addresser*& out = deref(addresser_out, "addresser_out");
    const StoreDir directory(view(store_dir));
    out = new cinch_content_addresser{directory, ContentAddressedRewrite(directory)};
  });
}

cinch_error* cinch_content_addresser_add(cinch_content_addresser* addresser,
                                         const cinch_path_info* object, cinch_nar_fn nar,
                                         void* payload, cinch_path_info** twin_out) noexcept {
  return guarded([&] {
    cinch_path_info*& out = deref(twin_out, "twin_out");
    cinch_content_addresser& handle = deref(addresser, "addresser");
    const cinch::PathInfo twin =
        handle.rewrite.add(deref(object, "object").info, nar_of(nar, payload));
    out = new cinch_path_info(handle.store_dir, twin);
  });
}

cinch_error* cinch_content_addresser_write(const cinch_content_addresser* addresser,
                                           const cinch_path_info* object, cinch_nar_fn nar,
                                           void* payload, cinch_write_fn write,
                                           void* write_payload) noexcept {
  return guarded([&] {
    const cinch_content_addresser& handle = deref(addresser, "addresser");
    deref(write, "write");
    cinch::capi::CallbackSink sink(write, write_payload);
    handle.rewrite.write_twin(deref(object, "object").info, nar_of(nar, payload), sink);
  });
}

void cinch_content_addresser_free(cinch_content_addresser* addresser) noexcept { delete addresser; }

}  // extern "C"
