#include "serve/pipe.hh"
#include "serve/session.hh"

#include <cinch/remote/serve_pipe.hh>

#include <utility>

namespace cinch {

void serve_pipe(Store& store, const ServePipe& pipe, const ServeOptions& options,
                std::stop_token stop) {
  serve::PipeSource input(pipe.input, stop);
  serve::PipeSink output(pipe.output);
  serve::Session session({.store = store,
                          .input = input,
                          .output = output,
                          .options = options,
                          .output_descriptor = pipe.output,
                          .stop = std::move(stop)});
  session.run();
}

}  // namespace cinch
