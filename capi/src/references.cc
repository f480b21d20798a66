#include "convert.hh"
#include "stream_handle.hh"

#include <cinch/core/references.hh>

using cinch::Code;
using cinch::Error;
using cinch::ReferenceRewriter;
using cinch::ReferenceScanner;
using cinch::StorePath;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::view;

namespace {

struct RewritingStream {
  RewritingStream(ReferenceRewriter::HashParts rewrites, cinch_write_fn write, void* payload)
      : sink(write, payload), rewriter(std::move(rewrites), sink) {}
  cinch::capi::CallbackSink sink;
  ReferenceRewriter rewriter;
};

}  // namespace

struct cinch_reference_scanner {
  std::map<StorePath, const cinch_path> candidates;
  ReferenceScanner scanner;
};

struct cinch_reference_rewriter {
  cinch::capi::StreamHandle<RewritingStream> stream;
};

extern "C" {

cinch_error* cinch_reference_scanner_new(const cinch_path* const* candidates,
                                         size_t candidates_count,
                                         cinch_reference_scanner** scanner_out) noexcept {
  return guarded([&] {
    cinch_reference_scanner*& out = deref(scanner_out, "scanner_out");
    const cinch::StorePathSet paths =
        cinch::capi::path_set(candidates, candidates_count, "candidates");
    std::map<StorePath, const cinch_path> given;
    for (size_t i = 0; i < candidates_count; ++i)
      given.emplace(candidates[i]->path, *candidates[i]);
    out = new cinch_reference_scanner{std::move(given), ReferenceScanner(paths)};
  });
}

cinch_error* cinch_reference_scanner_write(cinch_reference_scanner* scanner,
                                           cinch_str bytes) noexcept {
  return guarded([&] { deref(scanner, "scanner").scanner.write(cinch::as_bytes(view(bytes))); });
}

cinch_error* cinch_reference_scanner_found(const cinch_reference_scanner* scanner,
                                           cinch_paths** paths_out) noexcept {
  return guarded([&] {
    cinch_paths*& out = deref(paths_out, "paths_out");
    const cinch_reference_scanner& handle = deref(scanner, "scanner");
    auto paths = std::make_unique<cinch_paths>();
    for (const StorePath& path : handle.scanner.found()) {
      paths->list.push_back(handle.candidates.at(path));
    }
    out = paths.release();
  });
}

void cinch_reference_scanner_free(cinch_reference_scanner* scanner) noexcept { delete scanner; }

cinch_error* cinch_reference_rewriter_new(const cinch_rewrite* rewrites, size_t rewrites_count,
                                          cinch_write_fn write, void* payload,
                                          cinch_reference_rewriter** rewriter_out) noexcept {
  return guarded([&] {
    cinch_reference_rewriter*& out = deref(rewriter_out, "rewriter_out");
    deref(write, "write");
    if (rewrites_count > 0) deref(rewrites, "rewrites");
    ReferenceRewriter::HashParts parts;
    for (size_t i = 0; i < rewrites_count; ++i) {
      const auto [place, is_new] =
          parts.emplace(view(rewrites[i].from), std::string(view(rewrites[i].to)));
      if (!is_new) {
        throw Error(Code::invalid_argument, "a hash part is to be rewritten twice")
            .about(place->first);
      }
    }
    out = new cinch_reference_rewriter{cinch::capi::StreamHandle<RewritingStream>(
        std::in_place, std::move(parts), write, payload)};
  });
}

cinch_error* cinch_reference_rewriter_write(cinch_reference_rewriter* rewriter,
                                            cinch_str bytes) noexcept {
  return guarded([&] {
    deref(rewriter, "rewriter").stream.use([&](RewritingStream& stream) {
      stream.rewriter.write(cinch::as_bytes(view(bytes)));
    });
  });
}

cinch_error* cinch_reference_rewriter_finish(cinch_reference_rewriter* rewriter) noexcept {
  return guarded([&] {
    deref(rewriter, "rewriter").stream.finish([](RewritingStream& stream) {
      stream.rewriter.finish();
    });
  });
}

void cinch_reference_rewriter_free(cinch_reference_rewriter* rewriter) noexcept { delete rewriter; }

}  // extern "C"
