#include "realisation_tables.hh"

#include "signature_list.hh"

#include <cinch/core/error.hh>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace cinch::local {

namespace {

// Part of the on-disk format (docs/formats/local-store.md): other programs read these tables. The
// names of migrations keep Nix from making them again.
constexpr const char* create_tables_sql = R"sql(
create table if not exists SchemaMigrations (migration text primary key not null);
create table if not exists BuildTraceV3 (
  id integer primary key autoincrement not null,
  drvPath text not null,
  outputName text not null,
  outputPath text not null,
  signatures text
);
create index if not exists IndexBuildTraceV3 on BuildTraceV3(drvPath, outputName);
insert or ignore into SchemaMigrations values ('20251017-ca-derivations');
)sql";

constexpr const char* create_hashed_tables_sql = R"sql(
create table if not exists SchemaMigrations (migration text primary key not null);
create table if not exists Realisations (
  id integer primary key autoincrement not null,
  drvPath text not null,
  outputName text not null,
  outputPath integer not null,
  signatures text,
  foreign key (outputPath) references ValidPaths(id) on delete cascade
);
create index if not exists IndexRealisations on Realisations(drvPath, outputName);
create trigger if not exists DeleteSelfRefsViaRealisations before delete on ValidPaths
begin
  delete from RealisationsRefs where realisationReference in
    (select id from Realisations where outputPath = old.id);
end;
create table if not exists RealisationsRefs (
  referrer integer not null,
  realisationReference integer,
  foreign key (referrer) references Realisations(id) on delete cascade,
  foreign key (realisationReference) references Realisations(id) on delete restrict
);
create index if not exists IndexRealisationsRefsRealisationReference
  on RealisationsRefs(realisationReference);
create index if not exists IndexRealisationsRefs on RealisationsRefs(referrer);
create index if not exists IndexRealisationsRefsOnOutputPath on Realisations(outputPath);
insert or ignore into SchemaMigrations values ('20220326-ca-derivations');
)sql";

std::string hash_text(const HashedRealisationKey& key) {
  return key.derivation_hash.to_string(HashFormat::base16);
}

// Reads a row; what does not parse is the database's fault.
template <typename Read>
auto parse_row(std::string_view derivation, Read&& read) {
  try {
    return read();
  } catch (Error& error) {
    if (error.code() != Code::malformed) throw;
    throw Error(Code::corrupt, "the store's database has a broken realisation: " + error.message())
        .about(std::string(derivation));
  }
}

[[noreturn]] void refuse_other_path(const std::string& key, const StoreDir& store_dir,
                                    const StorePath& known, const StorePath& given) {
  throw Error(Code::invalid_argument, "this output is known to have come out as '" +
                                          store_dir.print(known) + "', not as '" +
                                          store_dir.print(given) + "'")
      .about(key);
}

[[noreturn]] void refuse_other_dependencies(const HashedRealisation& given) {
  throw Error(Code::invalid_argument, "this output is known to have other dependencies")
      .about(given.key.to_string());
}

std::set<Signature> merged(std::set<Signature> one, const std::set<Signature>& other) {
  one.insert(other.begin(), other.end());
  return one;
}

// What one row of Realisations says.
struct HashedRow {
  std::int64_t id = 0;
  StorePath path;
  std::set<Signature> signatures;
};

class HashedQuery {
 public:
  HashedQuery(SqliteConnection& connection, const StoreDir& store_dir)
      : store_dir_(store_dir),
        row_(connection,
             "select Realisations.id, ValidPaths.path, signatures from Realisations "
             "join ValidPaths on ValidPaths.id = outputPath "
             "where drvPath = ? and outputName = ? order by Realisations.id limit 1"),
        dependencies_(connection,
                      "select drvPath, outputName, ValidPaths.path from RealisationsRefs "
                      "join Realisations on Realisations.id = realisationReference "
                      "join ValidPaths on ValidPaths.id = outputPath where referrer = ?") {}

  std::optional<HashedRow> find(const HashedRealisationKey& key) {
    const std::string hash = hash_text(key);
    const StatementScope scope(row_);
    if (!row_.begin().bind(hash).bind(key.output).step()) return std::nullopt;
    return parse_row(hash, [&] {
      return HashedRow{.id = row_.number(0),
                       .path = store_dir_.parse(row_.text(1)),
                       .signatures = split_signatures(row_.text(2))};
    });
  }

  std::map<HashedRealisationKey, StorePath> dependencies(std::int64_t id) {
    std::map<HashedRealisationKey, StorePath> found;
    const StatementScope scope(dependencies_);
    dependencies_.begin().bind(id);
    while (dependencies_.step()) {
      const std::string_view hash = dependencies_.text(0);
      parse_row(hash, [&] {
        found.emplace(HashedRealisationKey{.derivation_hash = Hash::parse(hash),
                                           .output = std::string(dependencies_.text(1))},
                      store_dir_.parse(dependencies_.text(2)));
      });
    }
    return found;
  }

 private:
  const StoreDir& store_dir_;
  SqliteStatement row_;
  SqliteStatement dependencies_;
};

class HashedWriter {
 public:
  HashedWriter(SqliteConnection& connection, const StoreDir& store_dir)
      : store_dir_(store_dir),
        known_(connection, store_dir),
        path_id_(connection, "select id from ValidPaths where path = ?"),
        insert_(connection,
                "insert into Realisations (drvPath, outputName, outputPath, signatures) "
                "values (?, ?, ?, '')"),
        update_(connection, "update Realisations set signatures = ? where id = ?"),
        refer_(connection,
               "insert into RealisationsRefs (referrer, realisationReference) values (?, ?)") {}

  // Makes its row, if there is none.
  void put_key(const HashedRealisation& given) {
    const std::optional<HashedRow> known = known_.find(given.key);
    if (!known) return insert(given);
    if (known->path == given.path) return;
    refuse_other_path(given.key.to_string(), store_dir_, known->path, given.path);
  }

  // Signatures are of certain dependencies. Older versions of Nix register some without; who knows
  // them knows more.
  //
  // REQUIRES: put_key() was called with it.
  void put_value(const HashedRealisation& given) {
    const HashedRow known = *known_.find(given.key);
    const auto dependencies = known_.dependencies(known.id);
    if (dependencies == given.dependencies) {
      return put_signatures(known.id, merged(known.signatures, given.signatures));
    }
    if (given.dependencies.empty()) return;
    if (!dependencies.empty()) refuse_other_dependencies(given);
    put_dependencies(known.id, given);
    put_signatures(known.id, given.signatures);
  }

 private:
  void insert(const HashedRealisation& given) {
    const std::string path = store_dir_.print(given.path);
    const StatementScope scope(path_id_);
    if (!path_id_.begin().bind(path).step()) {
      throw Error(Code::not_found, "path '" + path + "' is not valid")
          .about(given.key.to_string())
          .hint("add what the output came out as first");
    }
    const std::string hash = hash_text(given.key);
    insert_.begin().bind(hash).bind(given.key.output).bind(path_id_.number(0)).run();
  }

  void put_signatures(std::int64_t id, const std::set<Signature>& all) {
    const std::string signatures = join_signatures(all);
    update_.begin().bind(signatures).bind(id).run();
  }

  void put_dependencies(std::int64_t referrer, const HashedRealisation& given) {
    for (const auto& [key, path] : given.dependencies) {
      const std::optional<HashedRow> known = known_.find(key);
      if (!known) {
        throw Error(Code::not_found, "the realisation '" + given.key.to_string() +
                                         "' depends on '" + key.to_string() +
                                         "', of which none is known")
            .about(key.to_string())
            .hint("register that one first");
      }
      if (known->path != path) refuse_other_path(key.to_string(), store_dir_, known->path, path);
      refer_.begin().bind(referrer).bind(known->id).run();
    }
  }

  const StoreDir& store_dir_;
  HashedQuery known_;
  SqliteStatement path_id_;
  SqliteStatement insert_;
  SqliteStatement update_;
  SqliteStatement refer_;
};

class PathQuery {
 public:
  PathQuery(SqliteConnection& connection, const StoreDir& store_dir)
      : store_dir_(store_dir),
        row_(connection,
             "select outputPath, signatures from BuildTraceV3 "
             "where drvPath = ? and outputName = ? order by id limit 1") {}

  std::optional<Realisation> find(const RealisationKey& key) {
    const std::string derivation = key.derivation.base_name();
    const StatementScope scope(row_);
    if (!row_.begin().bind(derivation).bind(key.output).step()) return std::nullopt;
    return parse_row(derivation, [&] {
      return Realisation{.key = key,
                         .path = store_dir_.parse(row_.text(0)),
                         .signatures = split_signatures(row_.text(1))};
    });
  }

 private:
  const StoreDir& store_dir_;
  SqliteStatement row_;
};

}  // namespace

bool RealisationTables::has_table(std::string_view name) {
  SqliteStatement query(connection_,
                        "select 1 from sqlite_master where type = 'table' and name = ?");
  return query.bind(name).step();
}

bool RealisationTables::has_hashed_tables() {
  if (!has_table("Realisations")) return false;
  SqliteStatement has_id(connection_,
                         "select 1 from pragma_table_info('Realisations') where name = 'id'");
  if (has_id.step() && has_table("RealisationsRefs")) return true;
  throw Error(Code::not_supported, "the store's realisations are of an early experiment")
      .hint(
          "open the store once with Nix 2.4 to 2.8 and the feature ca-derivations, which "
          "migrates them");
}

std::vector<std::optional<Realisation>> RealisationTables::find(
    std::span<const RealisationKey> keys) {
  std::vector<std::optional<Realisation>> found(keys.size());
  if (!has_table("BuildTraceV3")) return found;
  PathQuery query(connection_, store_dir_);
  for (std::size_t at = 0; at < keys.size(); ++at) found[at] = query.find(keys[at]);
  return found;
}

std::vector<std::optional<HashedRealisation>> RealisationTables::find(
    std::span<const HashedRealisationKey> keys) {
  std::vector<std::optional<HashedRealisation>> found(keys.size());
  if (!has_hashed_tables()) return found;
  HashedQuery query(connection_, store_dir_);
  for (std::size_t at = 0; at < keys.size(); ++at) {
    std::optional<HashedRow> row = query.find(keys[at]);
    if (!row) continue;
    found[at] = HashedRealisation{.key = keys[at],
                                  .path = std::move(row->path),
                                  .signatures = std::move(row->signatures),
                                  .dependencies = query.dependencies(row->id)};
  }
  return found;
}

std::vector<RealisationKey> RealisationTables::all_keys() {
  std::vector<RealisationKey> keys;
  if (!has_table("BuildTraceV3")) return keys;
  SqliteStatement rows(connection_,
                       "select distinct drvPath, outputName from BuildTraceV3 order by 1, 2");
  while (rows.step()) {
    const std::string_view derivation = rows.text(0);
    parse_row(derivation, [&] {
      keys.push_back(RealisationKey::parse(
          store_dir_.print(StorePath::parse(derivation)) + "^" + std::string(rows.text(1)),
          store_dir_));
    });
  }
  return keys;
}

std::vector<HashedRealisationKey> RealisationTables::all_hashed_keys() {
  std::vector<HashedRealisationKey> keys;
  if (!has_hashed_tables()) return keys;
  SqliteStatement rows(connection_,
                       "select distinct drvPath, outputName from Realisations order by 1, 2");
  while (rows.step()) {
    const std::string hash(rows.text(0));
    parse_row(hash, [&] {
      keys.push_back(HashedRealisationKey::parse(hash + "!" + std::string(rows.text(1))));
    });
  }
  return keys;
}

void RealisationTables::put(std::span<const Realisation> realisations) {
  connection_.execute(create_tables_sql);
  PathQuery query(connection_, store_dir_);
  SqliteStatement insert(connection_,
                         "insert into BuildTraceV3 (drvPath, outputName, outputPath, signatures) "
                         "values (?, ?, ?, ?)");
  SqliteStatement update(
      connection_, "update BuildTraceV3 set signatures = ? where drvPath = ? and outputName = ?");
  for (const Realisation& given : realisations) {
    const std::optional<Realisation> known = query.find(given.key);
    if (known && known->path != given.path) {
      refuse_other_path(given.key.to_string(store_dir_), store_dir_, known->path, given.path);
    }
    const std::string derivation = given.key.derivation.base_name();
    const std::string path = store_dir_.print(given.path);
    const std::string signatures =
        join_signatures(known ? merged(known->signatures, given.signatures) : given.signatures);
    if (known) {
      update.begin().bind(signatures).bind(derivation).bind(given.key.output).run();
    } else {
      insert.begin().bind(derivation).bind(given.key.output).bind(path).bind(signatures).run();
    }
  }
}

void RealisationTables::put(std::span<const HashedRealisation> realisations) {
  if (!has_hashed_tables()) connection_.execute(create_hashed_tables_sql);
  HashedWriter writer(connection_, store_dir_);
  for (const HashedRealisation& given : realisations) writer.put_key(given);
  for (const HashedRealisation& given : realisations) writer.put_value(given);
}

void RealisationTables::forget_gone(SqliteConnection& connection) {
  const StoreDir any;
  if (!RealisationTables(connection, any).has_hashed_tables()) return;
  connection.execute(
      "create temp table if not exists GoneRealisations (id integer primary key);"
      "delete from GoneRealisations;"
      "insert into GoneRealisations select id from Realisations "
      "where outputPath in (select id from Gone);"
      "delete from RealisationsRefs where referrer in (select id from GoneRealisations) "
      "or realisationReference in (select id from GoneRealisations);"
      "delete from Realisations where id in (select id from GoneRealisations)");
}

}  // namespace cinch::local
