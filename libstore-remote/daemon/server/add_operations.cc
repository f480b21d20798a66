#include "server/handlers.hh"
#include "wire/values.hh"

namespace cinch::handlers {
namespace {

void refuse_repair(bool repair) {
  if (!repair) return;
  throw Error(Code::not_supported, "valid paths cannot be repaired")
      .hint("leave out the option --repair");
}

// Only the word of a trusted client stands for a signature.
SignaturePolicy policy_of(const Session& session, bool without_signatures) {
  return session.trusted && without_signatures ? SignaturePolicy::accept_unsigned
                                               : SignaturePolicy::require_trusted;
}

void write_added(Session& session, const PathInfo& info) {
  wire::write_path(session.out, session.dialect, info.path);
  wire::write_path_info(session.out, session.dialect, info);
}

}  // namespace

void add_to_store(Session& session) {
  const std::string name = session.in.text(wire::name_bytes_max);
  const std::string method_text = session.in.text(wire::name_bytes_max);
  StorePathSet references = wire::read_paths(session.in, session.dialect);
  const bool repair = session.in.flag();
  wire::FramedSource content(session.in);
  const PathInfo info = session.work_on(content, [&] {
    refuse_repair(repair);
    const wire::AddMethod method = wire::parse_add_method(method_text);
    const AddContent options{.name = name,
                             .method = method.method,
                             .algorithm = method.algorithm,
                             .references = std::move(references)};
    return session.store.add_content(options, content, session.stop);
  });
  write_added(session, info);
}

void add_text_to_store(Session& session) {
  const std::string name = session.in.text(wire::name_bytes_max);
  const std::string text = session.in.text(wire::text_bytes_max);
  StorePathSet references = wire::read_paths(session.in, session.dialect);
  const PathInfo info = session.work([&] {
    const AddContent options{
        .name = name, .method = ContentAddressMethod::text, .references = std::move(references)};
    StringSource content(text);
    return session.store.add_content(options, content, session.stop);
  });
  wire::write_path(session.out, session.dialect, info.path);
}

void add_to_store_nar(Session& session) {
  StorePath path = wire::read_path(session.in, session.dialect);
  PathInfo info = wire::read_path_info(session.in, session.dialect, std::move(path));
  const bool repair = session.in.flag();
  const bool without_signatures = session.in.flag();
  wire::FramedSource nar(session.in);
  session.work_on(nar, [&] {
    refuse_repair(repair);
    if (!session.trusted) info.ultimate = false;
    session.store.add_nar(info, nar, policy_of(session, without_signatures), session.stop);
  });
}

void add_multiple_to_store(Session& session) {
  const bool repair = session.in.flag();
  const bool without_signatures = session.in.flag();
  wire::FramedSource frames(session.in);
  session.work_on(frames, [&] {
    refuse_repair(repair);
    const SignaturePolicy policy = policy_of(session, without_signatures);
    wire::Decoder decoder(frames);
    for (std::uint64_t left = decoder.count(wire::list_count_max); left > 0; --left) {
      StorePath path = wire::read_path(decoder, session.dialect);
      PathInfo info = wire::read_path_info(decoder, session.dialect, std::move(path));
      info.ultimate = false;
      session.store.add_nar(info, decoder, policy, session.stop);
    }
  });
}

void add_signatures(Session& session) {
  const StorePath path = wire::read_path(session.in, session.dialect);
  const std::set<Signature> signatures = wire::read_signatures(session.in);
  session.work([&] { session.store.add_signatures(path, signatures); });
  session.out.number(1);
}

void add_build_log(Session& session) {
  const std::string derivation = session.in.text(wire::name_bytes_max);
  wire::FramedSource log(session.in);
  session.work_on(log, [&] {
    LogStore& logs = require_capability<LogStore>(session.store, "keep build logs");
    copy_stream(log, *logs.write_log(StorePath::parse(derivation)));
  });
  session.out.number(1);
}

}  // namespace cinch::handlers
