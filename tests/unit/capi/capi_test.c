/* The C interface, from C: constants and layouts that no ABI tool sees, errors, paths, a store. */
#include "check.h"

#include <cinch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* 64-bit layouts. A field may be appended; nothing here may move. */
_Static_assert(sizeof(cinch_str) == 16, "cinch_str");
_Static_assert(sizeof(cinch_store_options) == 40, "cinch_store_options");
_Static_assert(offsetof(cinch_store_options, environment) == 24, "environment");
_Static_assert(sizeof(cinch_build_options) == 32, "cinch_build_options");
_Static_assert(offsetof(cinch_build_options, cancel) == 24, "cancel");
_Static_assert(sizeof(cinch_event) == 80, "cinch_event");
_Static_assert(offsetof(cinch_event, duration_ms) == 40, "duration_ms");
_Static_assert(CINCH_OK == 0 && CINCH_INTERNAL == 22, "codes");
_Static_assert(CINCH_BUILD_BUILT == 0 && CINCH_BUILD_NO_SUBSTITUTERS == 14, "statuses");
_Static_assert(CINCH_EVENT_MESSAGE == 1 && CINCH_EVENT_PROGRESS == 5, "events");

#define HASH_PART "3x7dwzq014bblazs7kq20p9hyzz0qh8g"
#define OTHER_HASH_PART "4x7dwzq014bblazs7kq20p9hyzz0qh8g"

static void test_versions(void) {
  CHECK(cinch_version() == CINCH_VERSION);
  CHECK(cinch_abi_version() == 0);
  CHECK(cinch_has_feature(CINCH_STR("local")));
  CHECK(!cinch_has_feature(CINCH_STR("castore")));
  CHECK(is(cinch_code_name(CINCH_OK), "ok"));
  CHECK(is(cinch_code_name(CINCH_NOT_FOUND), "not-found"));
  CHECK(is(cinch_code_name(9999), "unknown"));
  CHECK(is(cinch_build_status_name(CINCH_BUILD_BUILT), "Built"));
  CHECK(is(cinch_build_status_name(9999), "unknown"));
}

static void test_paths(void) {
  cinch_path* path = NULL;
  cinch_path* copy = NULL;
  CHECK_CODE(
      cinch_path_parse(CINCH_STR("/nix/store"), CINCH_STR("/nix/store/" HASH_PART "-a.drv"), &path),
      CINCH_OK);
  CHECK_CODE(cinch_path_clone(path, &copy), CINCH_OK);
  cinch_path_free(path);
  CHECK(is(cinch_path_text(copy), "/nix/store/" HASH_PART "-a.drv"));
  CHECK(cinch_path_text(copy).data[cinch_path_text(copy).size] == '\0');
  CHECK(is(cinch_path_base_name(copy), HASH_PART "-a.drv"));
  CHECK(is(cinch_path_name(copy), "a.drv"));
  CHECK(is(cinch_path_hash_part(copy), HASH_PART));
  cinch_path_free(copy);
  cinch_path_free(NULL);
}

static void test_errors(void) {
  cinch_path* path = NULL;
  cinch_error* error = cinch_path_parse(CINCH_STR("/nix/store"), CINCH_STR("/nix/store/x"), &path);
  CHECK(path == NULL);
  CHECK(error != NULL && cinch_error_code(error) == CINCH_MALFORMED);
  CHECK(cinch_error_message(error).size > 0);
  CHECK(cinch_error_text(error).size >= cinch_error_message(error).size);
  CHECK(!cinch_error_is_retryable(error));
  cinch_error_free(error);
  cinch_error_free(NULL);
  CHECK_CODE(cinch_path_parse(CINCH_STR("/nix/store"), CINCH_STR("x"), NULL),
             CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_path_parse(CINCH_STR("nix"), CINCH_STR("x"), &path), CINCH_MALFORMED);
  CHECK_CODE(cinch_path_parse(CINCH_STR("/nix/store"), NOWHERE, &path), CINCH_INVALID_ARGUMENT);
  CHECK(!cinch_has_feature(NOWHERE));
}

static void test_open_options(const char* url) {
  struct {
    cinch_store_options known;
    uint64_t newer;
  } larger = {CINCH_STORE_OPTIONS_INIT, 0};
  cinch_store_options options = CINCH_STORE_OPTIONS_INIT;
  cinch_setting wrong = {CINCH_STR("no-such-setting"), CINCH_STR("1")};
  cinch_setting malformed = {CINCH_STR("sandbox"), CINCH_STR("perhaps")};
  cinch_store* store = NULL;

  CHECK_CODE(cinch_store_open(CINCH_STR("gopher://x"), NULL, &store), CINCH_NOT_SUPPORTED);
  CHECK_CODE(cinch_store_open(CINCH_STR(url), NULL, NULL), CINCH_INVALID_ARGUMENT);
  options.settings = &wrong;
  options.settings_count = 1;
  CHECK_CODE(cinch_store_open(CINCH_STR(url), &options, &store), CINCH_INVALID_ARGUMENT);
  options.settings = &malformed;
  CHECK_CODE(cinch_store_open(CINCH_STR(url), &options, &store), CINCH_MALFORMED);
  options.settings = NULL;
  CHECK_CODE(cinch_store_open(CINCH_STR(url), &options, &store), CINCH_INVALID_ARGUMENT);
  options.settings_count = 0;
  options.reserved = 1;
  CHECK_CODE(cinch_store_open(CINCH_STR(url), &options, &store), CINCH_INVALID_ARGUMENT);
  options.reserved = 0;
  options.size = 0;
  CHECK_CODE(cinch_store_open(CINCH_STR(url), &options, &store), CINCH_INVALID_ARGUMENT);
  CHECK(store == NULL);

  larger.known.size = sizeof larger;
  CHECK_CODE(cinch_store_open(CINCH_STR(url), &larger.known, &store), CINCH_OK);
  cinch_store_free(store);
  larger.newer = 1;
  CHECK_CODE(cinch_store_open(CINCH_STR(url), &larger.known, &store), CINCH_NOT_SUPPORTED);
}

struct counted {
  uint64_t bytes;
  int32_t answer;
};

static int32_t count(cinch_str bytes, void* payload) {
  struct counted* counted = payload;
  counted->bytes += bytes.size;
  return counted->answer;
}

static void test_content(const cinch_store* store) {
  cinch_path* text = NULL;
  cinch_path* user = NULL;
  cinch_path* found = NULL;
  cinch_path_infos* infos = NULL;
  struct counted counted = {0, 0};
  bool valid = false;
  const cinch_path_info* info;

  CHECK_CODE(cinch_store_add_text(store, CINCH_STR("a"), CINCH_STR("hello"), NULL, 0, &text),
             CINCH_OK);
  const cinch_path* references[] = {text};
  CHECK_CODE(cinch_store_add_text(store, CINCH_STR("b"), CINCH_STR("uses a"), references, 1, &user),
             CINCH_OK);
  CHECK_CODE(cinch_store_is_valid(store, user, &valid), CINCH_OK);
  CHECK(valid);

  CHECK_CODE(cinch_store_closure(store, (const cinch_path* const*)&user, 1, &infos), CINCH_OK);
  CHECK(cinch_path_infos_count(infos) == 2);
  CHECK(cinch_path_infos_at(infos, 2) == NULL);
  /* References come first. */
  info = cinch_path_infos_at(infos, 1);
  CHECK(is(cinch_path_name(cinch_path_info_path(info)), "b"));
  CHECK(cinch_path_info_references_count(info) == 1);
  CHECK(is(cinch_path_name(cinch_path_info_reference_at(info, 0)), "a"));
  CHECK(cinch_path_info_reference_at(info, 1) == NULL);
  CHECK(cinch_path_info_deriver(info) == NULL);
  CHECK(cinch_path_info_nar_hash(info).size == strlen("sha256-") + 44);
  CHECK(strncmp(cinch_path_info_content_address(info).data, "text:sha256:", 12) == 0);
  CHECK(cinch_path_info_registration_unix_seconds(info) > 0);

  CHECK_CODE(cinch_store_read_nar(store, user, NULL, count, &counted), CINCH_OK);
  CHECK(counted.bytes == cinch_path_info_nar_size_bytes(info));
  counted.answer = 1;
  CHECK_CODE(cinch_store_read_nar(store, user, NULL, count, &counted), CINCH_CANCELLED);
  CHECK_CODE(cinch_store_read_nar(store, user, NULL, NULL, NULL), CINCH_INVALID_ARGUMENT);
  cinch_path_infos_free(infos);

  CHECK_CODE(cinch_store_find_by_hash_part(store, cinch_path_hash_part(text), &found), CINCH_OK);
  CHECK(found != NULL && is(cinch_path_text(found), cinch_path_text(text).data));
  cinch_path_free(found);
  cinch_path_free(text);
  cinch_path_free(user);
}

struct asked {
  char paths[256]; /* each followed by ';' */
  const char* left_out;
  int32_t answer;
};

static int32_t leave_one_out(cinch_str path, bool* included, void* payload) {
  struct asked* asked = payload;
  size_t used = strlen(asked->paths);
  CHECK(*included);
  (void)snprintf(asked->paths + used, sizeof asked->paths - used, "%.*s;", (int)path.size,
                 path.data);
  *included = !is(path, asked->left_out);
  return asked->answer;
}

static void make_file(const char* folder, const char* name) {
  char file_name[256];
  (void)snprintf(file_name, sizeof file_name, "%s/%s", folder, name);
  FILE* file = fopen(file_name, "w");
  CHECK(file != NULL);
  if (file != NULL) CHECK(fputs(name, file) >= 0 && fclose(file) == 0);
}

static void check_same_and_free(cinch_path* one, cinch_path* other) {
  CHECK(one != NULL && other != NULL && is(cinch_path_text(one), cinch_path_text(other).data));
  cinch_path_free(one);
  cinch_path_free(other);
}

static void test_filtered_trees(const cinch_store* store, const char* folder) {
  const cinch_str name = CINCH_STR("source");
  char tree[128];
  char below[160];
  (void)snprintf(tree, sizeof tree, "%s/filtered", folder);
  (void)snprintf(below, sizeof below, "%s/sub", tree);
  CHECK(mkdir(tree, 0700) == 0);
  make_file(tree, "a");
  cinch_path* plain = NULL;
  cinch_path* filtered = NULL;
  CHECK_CODE(cinch_store_add_tree(store, name, CINCH_STR(tree), NULL, &plain), CINCH_OK);
  CHECK(mkdir(below, 0700) == 0);
  make_file(below, "b");

  struct asked asked = {"", "sub", 0};
  CHECK_CODE(cinch_store_add_filtered_tree(store, name, CINCH_STR(tree), leave_one_out, &asked,
                                           NULL, &filtered),
             CINCH_OK);
  CHECK(strcmp(asked.paths, "a;sub;") == 0);
  check_same_and_free(filtered, plain);

  filtered = NULL;
  asked = (struct asked){"", "none", 0};
  CHECK_CODE(cinch_store_add_filtered_tree(store, name, CINCH_STR(tree), leave_one_out, &asked,
                                           NULL, &filtered),
             CINCH_OK);
  CHECK(strcmp(asked.paths, "a;sub;sub/b;") == 0);
  CHECK_CODE(cinch_store_add_tree(store, name, CINCH_STR(tree), NULL, &plain), CINCH_OK);
  check_same_and_free(filtered, plain);

  filtered = NULL;
  asked = (struct asked){"", "none", 1};
  CHECK_CODE(cinch_store_add_filtered_tree(store, name, CINCH_STR(tree), leave_one_out, &asked,
                                           NULL, &filtered),
             CINCH_CANCELLED);
  CHECK(strcmp(asked.paths, "a;") == 0);
  CHECK_CODE(
      cinch_store_add_filtered_tree(store, name, CINCH_STR(tree), NULL, NULL, NULL, &filtered),
      CINCH_INVALID_ARGUMENT);
  CHECK(filtered == NULL);
}

static void test_special_files(const cinch_store* store, const char* folder) {
  char name[128];
  cinch_path* path = NULL;
  (void)snprintf(name, sizeof name, "%s/pipe", folder);
  CHECK(mkfifo(name, 0600) == 0);
  const char* const special[] = {name, folder, "/dev/zero"};
  for (size_t i = 0; i < sizeof special / sizeof *special; ++i) {
    CHECK_CODE(cinch_store_add_file(store, CINCH_STR("x"), CINCH_STR(special[i]), NULL, &path),
               CINCH_NOT_SUPPORTED);
  }
  CHECK(path == NULL);
}

static void test_absent(const cinch_store* store) {
  cinch_path* path = NULL;
  cinch_path* found = NULL;
  cinch_path_infos* infos = NULL;
  struct counted counted = {0, 0};
  bool answer = true;
  cinch_str dir = cinch_store_dir(store);
  char text[256];
  (void)snprintf(text, sizeof text, "%s/%s-none", dir.data, HASH_PART);
  CHECK_CODE(cinch_path_parse(dir, CINCH_STR(text), &path), CINCH_OK);
  const cinch_path* paths[] = {path, NULL};
  CHECK_CODE(cinch_store_is_valid(store, path, &answer), CINCH_OK);
  CHECK(!answer);
  CHECK_CODE(cinch_store_find(store, paths, 1, &infos), CINCH_OK);
  CHECK(cinch_path_infos_count(infos) == 1 && cinch_path_infos_at(infos, 0) == NULL);
  cinch_path_infos_free(infos);
  CHECK_CODE(cinch_store_find(store, paths, 2, &infos), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_store_closure(store, paths, 1, &infos), CINCH_NOT_FOUND);
  CHECK_CODE(cinch_store_read_nar(store, path, NULL, count, &counted), CINCH_NOT_FOUND);
  CHECK_CODE(cinch_store_find_by_hash_part(store, CINCH_STR(HASH_PART), &found), CINCH_OK);
  CHECK(found == NULL);
  answer = true;
  CHECK_CODE(cinch_store_read_log(store, path, count, &counted, &answer), CINCH_OK);
  CHECK(!answer && counted.bytes == 0);
  cinch_path_free(path);
}

static void test_derivations(const cinch_store* store) {
  const char* json =
      "{\"name\": \"x\", \"version\": 4, \"system\": \"x86_64-linux\", \"builder\": \"/bin/sh\","
      " \"args\": [\"-c\", \"echo hi > $out\"], \"env\": {}, \"outputs\": {\"out\": {}},"
      " \"inputs\": {\"srcs\": [], \"drvs\": {}}}";
  /* Listed under made-up paths, the input last. */
  const char* graph =
      "{\"" HASH_PART
      "-y.drv\": {\"name\": \"y\", \"version\": 4, \"system\": \"x86_64-linux\","
      " \"builder\": \"/bin/sh\", \"args\": [], \"env\": {}, \"outputs\": {\"out\": {}},"
      " \"inputs\": {\"srcs\": [], \"drvs\": {\"" OTHER_HASH_PART
      "-x.drv\":"
      " {\"outputs\": [\"out\"], \"dynamicOutputs\": {}}}}},"
      " \"" OTHER_HASH_PART
      "-x.drv\": {\"name\": \"x\", \"version\": 4,"
      " \"system\": \"x86_64-linux\", \"builder\": \"/bin/sh\","
      " \"args\": [\"-c\", \"echo hi > $out\"], \"env\": {}, \"outputs\": {\"out\": {}},"
      " \"inputs\": {\"srcs\": [], \"drvs\": {}}}}";
  cinch_path* path = NULL;
  cinch_paths* paths = NULL;
  cinch_outputs* outputs = NULL;
  cinch_cancel* cancel = NULL;
  cinch_build_results* results = NULL;
  cinch_build_options options = CINCH_BUILD_OPTIONS_INIT;
  cinch_str wanted;
  cinch_error* error;

  CHECK_CODE(cinch_store_add_derivation(store, CINCH_STR(json), &path), CINCH_OK);
  CHECK(is(cinch_path_name(path), "x.drv"));
  CHECK_CODE(cinch_store_derivation_outputs(store, path, &outputs), CINCH_OK);
  CHECK(cinch_outputs_count(outputs) == 1);
  CHECK(is(cinch_outputs_name_at(outputs, 0), "out"));
  CHECK(is(cinch_path_name(cinch_outputs_path_at(outputs, 0)), "x"));
  CHECK(cinch_outputs_path_at(outputs, 1) == NULL);
  cinch_outputs_free(outputs);

  error = cinch_store_add_derivation(store, CINCH_STR("{\"name\": }"), &path);
  uint64_t offset = 0;
  CHECK(error != NULL && cinch_error_code(error) == CINCH_MALFORMED);
  CHECK(cinch_error_offset(error, &offset) && offset > 0 && offset <= 10);
  cinch_error_free(error);
  CHECK_CODE(cinch_store_add_derivations(store, CINCH_STR("[]"), &paths), CINCH_MALFORMED);

  CHECK_CODE(cinch_store_add_derivations(store, CINCH_STR(graph), &paths), CINCH_OK);
  CHECK(cinch_paths_count(paths) == 2 && cinch_paths_at(paths, 2) == NULL);
  CHECK(is(cinch_path_text(cinch_paths_at(paths, 0)), cinch_path_text(path).data));
  CHECK(is(cinch_path_name(cinch_paths_at(paths, 1)), "y.drv"));
  cinch_paths_free(paths);

  CHECK_CODE(cinch_cancel_new(&cancel), CINCH_OK);
  cinch_cancel_request(cancel);
  options.cancel = cancel;
  char text[256];
  (void)snprintf(text, sizeof text, "%s^out", cinch_path_text(path).data);
  wanted = CINCH_STR(text);
  CHECK_CODE(cinch_store_build(store, &wanted, 1, &options, &results), CINCH_CANCELLED);
  options.keep_going = 2;
  CHECK_CODE(cinch_store_build(store, &wanted, 1, &options, &results), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_store_build(store, NULL, 1, NULL, &results), CINCH_INVALID_ARGUMENT);
  CHECK(results == NULL);
  cinch_cancel_free(cancel);
  cinch_path_free(path);
}

int main(void) {
  char folder[] = "/tmp/cinch-capi-XXXXXX";
  char text[128];
  cinch_store* store = NULL;
  if (mkdtemp(folder) == NULL) return 1;
  (void)snprintf(text, sizeof text, "local?root=%s", folder);

  test_versions();
  test_paths();
  test_errors();
  test_open_options(text);
  CHECK_CODE(cinch_store_open(CINCH_STR(text), NULL, &store), CINCH_OK);
  if (store != NULL) {
    CHECK(is(cinch_store_dir(store), "/nix/store"));
    CHECK(cinch_store_url(store).size > 0);
    test_content(store);
    test_filtered_trees(store, folder);
    test_special_files(store, folder);
    test_absent(store);
    test_derivations(store);
    cinch_store_free(store);
  }

  (void)snprintf(text, sizeof text, "chmod -R u+w %s && rm -r %s", folder, folder);
  /* tidy: shell, because C has no other short way to remove a tree of the test's own */
  CHECK(system(text) == 0);
  return checks_failed > 0;
}
