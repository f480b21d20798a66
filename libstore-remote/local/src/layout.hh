// Where the parts of a store lie, and how a store comes to be. docs/formats/local-store.md has the
// whole map.
#pragma once

#include <cinch/core/error.hh>
#include <cinch/files/directory.hh>
#include <cinch/local/local_store.hh>

#include <optional>
#include <string>

namespace cinch::local {

// The options with every default filled in; no name is empty but `root`.
struct Layout {
  explicit Layout(const LocalStoreOptions& options);

  std::string database_file() const { return state_dir + "/db/db.sqlite"; }
  std::string own_database_file() const { return state_dir + "/db/cinch.sqlite"; }

  StoreDir store_dir;
  std::string root;
  std::string real_dir;
  std::string state_dir;
  std::string log_dir;
  std::string build_dir;
};

// The directories that are held open for as long as the store lives.
struct OpenDirectories {
  Directory objects;
  Directory state;
  Descriptor big_lock;  // empty for a read-only store
};

// What the file `schema` says; 0: there is none yet. Throws Code::corrupt if it holds no number.
int read_schema(const Directory& database);
// Throws Code::not_supported, with the way out, for another schema than ours.
void check_schema(const Directory& database, int schema);
// Refuses a store directory that is a symlink, or lies below one, unless the options allow that.
void check_store_directory(const Layout& layout, const LocalStoreOptions& options);
Directory open_existing(const std::string& full_name);
// Says what to do about a store that may not be written, unless the error does.
Error with_hint(const Error& error);

// Opens the directories, makes what is missing, and creates the database under the exclusive lock
// if there is none, by calling `create_database` once.
OpenDirectories open_directories(const Layout& layout, const LocalStoreOptions& options,
                                 const std::function<void()>& create_database);

// The URL that opens a store with this layout again.
std::string url_of(const Layout& layout, bool read_only);

// Creates the directory for build directories and refuses places where others could interfere.
std::string prepare_build_directory(const std::string& full_name);

}  // namespace cinch::local
