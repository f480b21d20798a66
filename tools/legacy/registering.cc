// nix-store --dump-db, --load-db, --register-validity.
#include "store_call.hh"

#include <cinch/core/validity_registration.hh>
#include <cinch/files/directory.hh>
#include <cinch/local/local_store.hh>

#include <unistd.h>

namespace cinch::cli {

namespace {

LocalStore& local_store(StoreCall& call) {
  return require_capability<LocalStore>(call.store(), "register paths");
}

int run_dump_db(StoreCall& call) {
  call.allow_flags({});
  LocalStore& store = local_store(call);
  if (call.arguments.empty()) {
    store.write_registrations(call.context.output);
    return 0;
  }
  // One after the other, in the order of the arguments.
  for (const StorePath& path : call.argument_paths()) {
    store.write_registrations(call.context.output, StorePathSet{path});
  }
  return 0;
}

int register_input(StoreCall& call, RegistrationHashes hashes, const RegisterOptions& options) {
  call.allow_arguments(0, "no arguments expected");
  const std::stop_token stop = call.stop();
  LocalStore& store = local_store(call);
  DescriptorSource input(STDIN_FILENO, "standard input");
  RegistrationReader reader(input, store.store_dir(), hashes);
  std::vector<ValidityRegistration> registrations;
  while (auto registration = reader.next()) registrations.push_back(*std::move(registration));
  store.register_paths(registrations, options, stop);
  return 0;
}

int run_load_db(StoreCall& call) {
  call.allow_flags({});
  return register_input(call, RegistrationHashes::given,
                        {.reregister = true, .canonicalise = false});
}

int run_register_validity(StoreCall& call) {
  call.allow_flags({"--reregister", "--hash-given"});
  const bool given = call.has("--hash-given");
  return register_input(call, given ? RegistrationHashes::given : RegistrationHashes::absent,
                        {.reregister = call.has("--reregister"), .canonicalise = true});
}

constexpr StoreOperation table[] = {
    {"--dump-db", run_dump_db},
    {"--load-db", run_load_db},
    {"--register-validity", run_register_validity},
};

}  // namespace

constinit const std::span<const StoreOperation> registering_operations = table;

}  // namespace cinch::cli
