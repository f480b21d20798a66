// The one registry from URLs to stores:
//   local, local?root=DIR&state=DIR&log=DIR&real=DIR&read-only=true, a directory (as root),
//   daemon, unix://SOCKET, auto.
// Environment variables are an argument, so that nothing in here reads the process's.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/settings.hh>
#include <cinch/core/store.hh>
#include <cinch/core/store_url.hh>

#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace cinch {

// NIX_STORE_DIR, NIX_STATE_DIR, NIX_LOG_DIR, NIX_DAEMON_SOCKET_PATH, NIX_IGNORE_SYMLINK_STORE,
// XDG_DATA_HOME, HOME.
using Environment = std::map<std::string, std::string>;

// Throws as parse_store_url; Code::not_supported for a type of store that is not known.
CINCH_REMOTE_API std::unique_ptr<Store> open_store(std::string_view url, const Settings& settings,
                                                   const Environment& environment);

// How open_store() would open the store, for what is done to one that is not open: see
// <cinch/local/database_rebuild.hh>. Throws Code::not_supported for a store that is not local.
struct LocalStoreOptions;
CINCH_REMOTE_API LocalStoreOptions local_store_options(std::string_view url,
                                                       const Settings& settings,
                                                       const Environment& environment);

}  // namespace cinch
