/* Hashes, store paths and content addresses, NARs and references, from C; no store is needed. */
#include "check.h"

#include <cinch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Static_assert(sizeof(cinch_nar_event) == 40, "cinch_nar_event");
_Static_assert(offsetof(cinch_nar_event, size_bytes) == 24, "size_bytes");
_Static_assert(sizeof(cinch_nar_entry) == 48, "cinch_nar_entry");
_Static_assert(offsetof(cinch_nar_entry, offset_bytes) == 32, "offset_bytes");
_Static_assert(sizeof(cinch_rewrite) == 32, "cinch_rewrite");
_Static_assert(CINCH_BASE16 == 1 && CINCH_SRI == 4, "encodings");
_Static_assert(CINCH_MD5 == 1 && CINCH_BLAKE2S_256 == 8, "algorithms");
_Static_assert(CINCH_METHOD_TEXT == 1 && CINCH_METHOD_GIT == 4, "methods");
_Static_assert(CINCH_NAR_DIRECTORY == 1 && CINCH_NAR_LEAVE == 6, "NAR events");

#define HASH_PART "3x7dwzq014bblazs7kq20p9hyzz0qh8g"
#define OTHER_HASH_PART "4x7dwzq014bblazs7kq20p9hyzz0qh8g"
#define EMPTY_SHA256 "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define HELLO_SHA256 "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

/* Bytes that a callback has got. */
struct collected {
  char bytes[4096];
  size_t size;
  int32_t answer;
};

static int32_t collect(cinch_str bytes, void* payload) {
  struct collected* collected = payload;
  if (collected->size + bytes.size > sizeof collected->bytes) return 1;
  memcpy(collected->bytes + collected->size, bytes.data, bytes.size);
  collected->size += bytes.size;
  return collected->answer;
}

static cinch_str collected_text(const struct collected* collected) {
  cinch_str text = {collected->bytes, collected->size};
  return text;
}

static void test_texts_and_encodings(void) {
  static const struct {
    uint32_t encoding;
    const char* text;
  } forms[] = {{CINCH_BASE16, "00ff61"}, {CINCH_NIX32, "63zq0"}, {CINCH_BASE64, "AP9h"}};
  const cinch_str bytes = {
      "\0\xff"
      "a",
      3};
  cinch_text* text = NULL;
  CHECK_CODE(cinch_text_new(bytes, &text), CINCH_OK);
  CHECK(cinch_text_str(text).size == 3 && cinch_text_str(text).data[3] == '\0');
  CHECK(memcmp(cinch_text_str(text).data, bytes.data, 3) == 0);
  cinch_text_free(text);
  cinch_text_free(NULL);
  CHECK_CODE(cinch_text_new(NOWHERE, &text), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_text_new(bytes, NULL), CINCH_INVALID_ARGUMENT);
  for (size_t i = 0; i < sizeof forms / sizeof *forms; ++i) {
    CHECK_CODE(cinch_encode(forms[i].encoding, bytes, &text), CINCH_OK);
    CHECK(text_is(text, forms[i].text));
    CHECK_CODE(cinch_decode(forms[i].encoding, CINCH_STR(forms[i].text), &text), CINCH_OK);
    CHECK(cinch_text_str(text).size == 3 && memcmp(cinch_text_str(text).data, "\0\xff", 2) == 0);
    cinch_text_free(text);
    text = NULL;
    CHECK_CODE(cinch_decode(forms[i].encoding, WITH_NUL, &text), CINCH_MALFORMED);
  }
  CHECK_CODE(cinch_encode(CINCH_SRI, bytes, &text), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_decode(99, bytes, &text), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_encode(CINCH_BASE16, bytes, NULL), CINCH_INVALID_ARGUMENT);
  CHECK(text == NULL);
}

static void test_algorithms(void) {
  static const struct {
    uint32_t number;
    const char* name;
    size_t bytes;
  } algorithms[] = {{CINCH_MD5, "md5", 16},           {CINCH_SHA1, "sha1", 20},
                    {CINCH_SHA256, "sha256", 32},     {CINCH_SHA512, "sha512", 64},
                    {CINCH_BLAKE3, "blake3", 32},     {CINCH_SHA3_256, "sha3-256", 32},
                    {CINCH_SHA3_512, "sha3-512", 64}, {CINCH_BLAKE2S_256, "blake2s-256", 32}};
  uint32_t number = 0;
  for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; ++i) {
    CHECK(is(cinch_hash_algorithm_name(algorithms[i].number), algorithms[i].name));
    CHECK(cinch_hash_algorithm_digest_bytes(algorithms[i].number) == algorithms[i].bytes);
    CHECK_CODE(cinch_hash_algorithm_parse(CINCH_STR(algorithms[i].name), &number), CINCH_OK);
    CHECK(number == algorithms[i].number);
  }
  CHECK(is(cinch_hash_algorithm_name(0), "unknown"));
  CHECK(cinch_hash_algorithm_digest_bytes(9) == 0);
  CHECK_CODE(cinch_hash_algorithm_parse(CINCH_STR("sha3"), &number), CINCH_MALFORMED);
  CHECK_CODE(cinch_hash_algorithm_parse(WITH_NUL, &number), CINCH_MALFORMED);
  CHECK_CODE(cinch_hash_algorithm_parse(CINCH_STR("md5"), NULL), CINCH_INVALID_ARGUMENT);
}

/* The text of a hash in one form. */
static cinch_text* printed(const cinch_hash* hash, uint32_t encoding, bool with_algorithm) {
  cinch_text* text = NULL;
  CHECK_CODE(cinch_hash_print(hash, encoding, with_algorithm, &text), CINCH_OK);
  return text;
}

static void test_hashes(void) {
  cinch_hash* hash = NULL;
  cinch_hash* again = NULL;
  cinch_text* text = NULL;
  CHECK_CODE(cinch_hash_of(CINCH_SHA256, CINCH_STR(""), &hash), CINCH_OK);
  CHECK(cinch_hash_algorithm(hash) == CINCH_SHA256);
  CHECK(cinch_hash_digest(hash).size == 32);
  CHECK(text_is(printed(hash, CINCH_SRI, false), EMPTY_SHA256));
  CHECK(text_is(printed(hash, CINCH_NIX32, true),
                "sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73"));
  CHECK(text_is(printed(hash, CINCH_BASE16, false),
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
  CHECK(text_is(printed(hash, CINCH_BASE64, false), strchr(EMPTY_SHA256, '-') + 1));
  CHECK_CODE(cinch_hash_new(CINCH_SHA256, cinch_hash_digest(hash), &again), CINCH_OK);
  CHECK(text_is(printed(again, CINCH_SRI, true), EMPTY_SHA256));
  cinch_hash_free(again);
  CHECK_CODE(cinch_hash_parse(CINCH_STR(EMPTY_SHA256), 0, &again), CINCH_OK);
  CHECK(memcmp(cinch_hash_digest(again).data, cinch_hash_digest(hash).data, 32) == 0);
  cinch_hash_free(again);
  CHECK_CODE(cinch_hash_parse(CINCH_STR(HELLO_SHA256), CINCH_SHA256, &again), CINCH_OK);
  cinch_hash_free(again);
  again = NULL;
  CHECK_CODE(cinch_hash_parse(CINCH_STR(HELLO_SHA256), 0, &again), CINCH_MALFORMED);
  CHECK_CODE(cinch_hash_parse(CINCH_STR(EMPTY_SHA256), CINCH_SHA1, &again), CINCH_MALFORMED);
  CHECK_CODE(cinch_hash_parse(WITH_NUL, CINCH_SHA1, &again), CINCH_MALFORMED);
  CHECK_CODE(cinch_hash_parse(NOWHERE, CINCH_SHA1, &again), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_hash_parse(CINCH_STR(EMPTY_SHA256), 99, &again), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_hash_new(CINCH_SHA256, CINCH_STR("short"), &again), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_hash_of(0, CINCH_STR(""), &again), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_hash_of(CINCH_MD5, CINCH_STR(""), NULL), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_hash_print(NULL, CINCH_SRI, true, &text), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_hash_print(hash, 0, true, &text), CINCH_INVALID_ARGUMENT);
  CHECK(again == NULL && text == NULL);
  cinch_hash_free(hash);
  cinch_hash_free(NULL);
}

static void test_hashers(void) {
  static const uint32_t algorithms[] = {CINCH_SHA256, CINCH_SHA1, CINCH_SHA256};
  static const uint32_t wrong[] = {CINCH_SHA256, 77};
  cinch_hasher* hasher = NULL;
  CHECK_CODE(cinch_hasher_new(algorithms, 3, &hasher), CINCH_OK);
  CHECK_CODE(cinch_hasher_write(hasher, CINCH_STR("hel")), CINCH_OK);
  CHECK_CODE(cinch_hasher_write(hasher, CINCH_STR("")), CINCH_OK);
  CHECK_CODE(cinch_hasher_write(hasher, CINCH_STR("lo")), CINCH_OK);
  CHECK(cinch_hasher_size_bytes(hasher) == 5);
  CHECK(cinch_hasher_hash_at(hasher, 0) == NULL);
  CHECK_CODE(cinch_hasher_finish(hasher), CINCH_OK);
  CHECK(text_is(printed(cinch_hasher_hash_at(hasher, 0), CINCH_BASE16, false), HELLO_SHA256));
  CHECK(text_is(printed(cinch_hasher_hash_at(hasher, 1), CINCH_BASE16, true),
                "sha1:aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"));
  CHECK(text_is(printed(cinch_hasher_hash_at(hasher, 2), CINCH_BASE16, false), HELLO_SHA256));
  CHECK(cinch_hasher_hash_at(hasher, 3) == NULL);
  CHECK_CODE(cinch_hasher_write(hasher, CINCH_STR("x")), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_hasher_finish(hasher), CINCH_INVALID_ARGUMENT);
  CHECK(cinch_hasher_size_bytes(hasher) == 5);
  cinch_hasher_free(hasher);
  hasher = NULL;
  CHECK_CODE(cinch_hasher_new(wrong, 2, &hasher), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_hasher_new(NULL, 2, &hasher), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_hasher_new(algorithms, 1, NULL), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_hasher_write(NULL, CINCH_STR("")), CINCH_INVALID_ARGUMENT);
  CHECK(hasher == NULL);
  cinch_hasher_free(NULL);
}

static void test_paths(void) {
  cinch_path* path = NULL;
  cinch_path* again = NULL;
  uint8_t digest[20];
  cinch_str bytes = {(const char*)digest, sizeof digest};
  size_t rest = 99;
  CHECK_CODE(
      cinch_path_from_base_name(CINCH_STR("/gnu/store"), CINCH_STR(HASH_PART "-a.drv"), &path),
      CINCH_OK);
  CHECK(is(cinch_path_text(path), "/gnu/store/" HASH_PART "-a.drv"));
  CHECK(strncmp(cinch_path_store_dir(path).data, "/gnu/store", 10) == 0);
  CHECK(cinch_path_store_dir(path).size == 10);
  CHECK(cinch_path_is_derivation(path));
  cinch_path_digest(path, digest);
  CHECK_CODE(cinch_path_from_digest(STORE, bytes, CINCH_STR("b"), &again), CINCH_OK);
  CHECK(is(cinch_path_text(again), "/nix/store/" HASH_PART "-b"));
  CHECK(!cinch_path_is_derivation(again));
  cinch_path_free(again);
  cinch_path_free(path);
  path = NULL;

  CHECK_CODE(cinch_path_find(STORE, CINCH_STR("/nix/store/" HASH_PART "-b/bin/x"), &path, &rest),
             CINCH_OK);
  CHECK(is(cinch_path_name(path), "b") && rest == strlen("/nix/store/" HASH_PART "-b"));
  cinch_path_free(path);
  CHECK_CODE(cinch_path_find(STORE, CINCH_STR("/nix/store/short"), &path, &rest), CINCH_OK);
  CHECK(path == NULL && rest == 0);

  CHECK_CODE(cinch_path_from_base_name(STORE, CINCH_STR("short"), &path), CINCH_MALFORMED);
  CHECK_CODE(cinch_path_from_digest(STORE, CINCH_STR("x"), CINCH_STR("b"), &path),
             CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_path_from_digest(STORE, bytes, WITH_NUL, &path), CINCH_MALFORMED);
  CHECK_CODE(cinch_path_from_digest(STORE, bytes, CINCH_STR(".."), &path), CINCH_MALFORMED);
  CHECK_CODE(cinch_path_from_digest(WITH_NUL, bytes, CINCH_STR("b"), &path), CINCH_MALFORMED);
  CHECK_CODE(cinch_path_find(STORE, CINCH_STR("/x"), &path, NULL), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_path_from_base_name(STORE, CINCH_STR("x"), NULL), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_path_clone(NULL, &path), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_path_clone(path, NULL), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_cancel_new(NULL), CINCH_INVALID_ARGUMENT);
  CHECK(path == NULL);
}

static int32_t read_link(cinch_str file_name, cinch_text** target_out, void* payload) {
  int32_t* answer = payload;
  if (is(file_name, "/home/result")) {
    cinch_error_free(cinch_text_new(CINCH_STR("/nix/store/" HASH_PART "-b/bin"), target_out));
  } else if (is(file_name, "/home/loop")) {
    cinch_error_free(cinch_text_new(CINCH_STR("loop"), target_out));
  }
  return *answer;
}

static void test_links(void) {
  cinch_text* text = NULL;
  int32_t answer = 0;
  CHECK_CODE(cinch_path_follow(STORE, CINCH_STR("/home/result"), read_link, &answer, &text),
             CINCH_OK);
  CHECK(text_is(text, "/nix/store/" HASH_PART "-b/bin"));
  text = NULL;
  CHECK_CODE(cinch_path_follow(STORE, CINCH_STR("/home/none"), read_link, &answer, &text),
             CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_path_follow(STORE, CINCH_STR("/home/loop"), read_link, &answer, &text),
             CINCH_LIMIT_EXCEEDED);
  CHECK_CODE(cinch_path_follow(STORE, WITH_NUL, read_link, &answer, &text), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_path_follow(STORE, CINCH_STR("/home/result"), NULL, NULL, &text),
             CINCH_INVALID_ARGUMENT);
  answer = 1;
  CHECK_CODE(cinch_path_follow(STORE, CINCH_STR("/home/result"), read_link, &answer, &text),
             CINCH_CANCELLED);
  CHECK(text == NULL);
}

/* The path that a content address, given as text, gives the name. */
static cinch_path* path_of(const char* address_text, const char* name) {
  cinch_content_address* address = NULL;
  cinch_path* path = NULL;
  CHECK_CODE(cinch_content_address_parse(CINCH_STR(address_text), &address), CINCH_OK);
  if (address == NULL) return NULL;
  CHECK_CODE(cinch_content_address_path(address, STORE, CINCH_STR(name), NULL, 0, false, &path),
             CINCH_OK);
  cinch_content_address_free(address);
  return path;
}

static void test_content_addresses(void) {
  /* The answers are those of Nix. */
  static const struct {
    const char* address;
    const char* name;
    const char* path;
  } known[] = {{"text:sha256:094qif9n4cq4fdg459qzbhg1c6wywawwaaivx0k0x8xhbyx4vwic", "a",
                "/nix/store/vmg5na96ajnh1v932j9jdzfc3022vbh9-a"},
               {"fixed:sha256:094qif9n4cq4fdg459qzbhg1c6wywawwaaivx0k0x8xhbyx4vwic", "hello.txt",
                "/nix/store/iixxin28s82lrxs8v4lcf7nha2dkwprm-hello.txt"},
               {"fixed:r:sha256:0sg9f58l1jj88w6pdrfdpj5x9b1zrwszk84j81zvby36q9whhhqa", "hello.txt",
                "/nix/store/xfp2hphvk98rkk9ywlqpp587rjdcgnc2-hello.txt"}};
  cinch_content_address* address = NULL;
  cinch_content_address* again = NULL;
  cinch_text* json = NULL;
  cinch_hash* md5 = NULL;
  cinch_path* path = NULL;
  for (size_t i = 0; i < sizeof known / sizeof *known; ++i) {
    path = path_of(known[i].address, known[i].name);
    CHECK(path != NULL && is(cinch_path_text(path), known[i].path));
    cinch_path_free(path);
  }
  path = NULL;
  CHECK_CODE(cinch_content_address_parse(CINCH_STR(known[2].address), &address), CINCH_OK);
  CHECK(is(cinch_content_address_text(address), known[2].address));
  CHECK(cinch_content_address_method(address) == CINCH_METHOD_NAR);
  CHECK(cinch_hash_algorithm(cinch_content_address_hash(address)) == CINCH_SHA256);
  CHECK_CODE(
      cinch_content_address_new(CINCH_METHOD_NAR, cinch_content_address_hash(address), &again),
      CINCH_OK);
  CHECK(is(cinch_content_address_text(again), known[2].address));
  cinch_content_address_free(again);
  CHECK_CODE(cinch_content_address_print_json(address, &json), CINCH_OK);
  CHECK_CODE(cinch_content_address_parse_json(cinch_text_str(json), &again), CINCH_OK);
  CHECK(is(cinch_content_address_text(again), known[2].address));
  cinch_content_address_free(again);
  cinch_text_free(json);
  again = NULL;
  CHECK(is(cinch_content_address_method_name(CINCH_METHOD_GIT), "git"));
  CHECK(is(cinch_content_address_method_name(0), "unknown"));

  CHECK_CODE(cinch_hash_of(CINCH_MD5, CINCH_STR(""), &md5), CINCH_OK);
  CHECK_CODE(cinch_content_address_new(CINCH_METHOD_GIT, md5, &again), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_content_address_new(0, md5, &again), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_content_address_new(CINCH_METHOD_NAR, NULL, &again), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_content_address_parse(WITH_NUL, &again), CINCH_MALFORMED);
  CHECK_CODE(cinch_content_address_parse_json(CINCH_STR("{}"), &again), CINCH_MALFORMED);
  CHECK(again == NULL);
  CHECK_CODE(cinch_content_address_path(address, STORE, WITH_NUL, NULL, 0, false, &path),
             CINCH_MALFORMED);
  CHECK_CODE(cinch_content_address_path(address, STORE, CINCH_STR("a"), NULL, 1, false, &path),
             CINCH_INVALID_ARGUMENT);
  CHECK(path == NULL);
  cinch_hash_free(md5);
  cinch_content_address_free(address);
}

/* Events as one line of text each. */
static int32_t describe(const cinch_nar_event* event, void* payload) {
  char line[256];
  struct collected* collected = payload;
  int length = snprintf(line, sizeof line, "%u %.*s %llu %u\n", event->kind, (int)event->text.size,
                        event->text.data, (unsigned long long)event->size_bytes, event->executable);
  cinch_str text = {line, (size_t)length};
  return collect(text, collected);
}

static cinch_error* put(cinch_nar_writer* writer, uint32_t kind, const char* text, uint64_t size) {
  cinch_nar_event event = CINCH_NAR_EVENT_INIT;
  event.kind = kind;
  event.text = CINCH_STR(text);
  event.size_bytes = size;
  return cinch_nar_writer_put(writer, &event);
}

/* A directory with a file "a", which holds "hello", and a symlink "b". */
static void write_tree(struct collected* nar) {
  cinch_nar_writer* writer = NULL;
  CHECK_CODE(cinch_nar_writer_new(collect, nar, &writer), CINCH_OK);
  CHECK_CODE(put(writer, CINCH_NAR_DIRECTORY, "", 0), CINCH_OK);
  CHECK_CODE(put(writer, CINCH_NAR_ENTRY, "a", 0), CINCH_OK);
  CHECK_CODE(put(writer, CINCH_NAR_FILE, "", 5), CINCH_OK);
  CHECK_CODE(put(writer, CINCH_NAR_CONTENTS, "hello", 0), CINCH_OK);
  CHECK_CODE(put(writer, CINCH_NAR_LEAVE, "", 0), CINCH_OK);
  CHECK_CODE(put(writer, CINCH_NAR_ENTRY, "b", 0), CINCH_OK);
  CHECK_CODE(put(writer, CINCH_NAR_SYMLINK, "a", 0), CINCH_OK);
  CHECK_CODE(put(writer, CINCH_NAR_LEAVE, "", 0), CINCH_OK);
  CHECK_CODE(cinch_nar_writer_finish(writer), CINCH_OK);
  CHECK_CODE(put(writer, CINCH_NAR_DIRECTORY, "", 0), CINCH_INVALID_ARGUMENT);
  cinch_nar_writer_free(writer);
}

static void test_tree_json(void) {
  static const char tree[] =
      "{\"entries\":{\"a\":{\"contents\":\"hi\",\"executable\":true,\"type\":\"regular\"},"
      "\"l\":{\"target\":\"a\",\"type\":\"symlink\"}},\"type\":\"directory\"}";
  struct collected nar = {{0}, 0, 0};
  cinch_text* json = NULL;
  CHECK_CODE(cinch_nar_of_tree_json(CINCH_STR(tree), collect, &nar), CINCH_OK);
  cinch_str whole = {nar.bytes, nar.size};
  CHECK_CODE(cinch_nar_print_tree_json(whole, &json), CINCH_OK);
  cinch_text* again = NULL;
  struct collected second = {{0}, 0, 0};
  CHECK_CODE(cinch_nar_of_tree_json(cinch_text_str(json), collect, &second), CINCH_OK);
  CHECK(second.size == nar.size && memcmp(second.bytes, nar.bytes, nar.size) == 0);
  cinch_text_free(json);
  whole.size -= 8;
  CHECK_CODE(cinch_nar_print_tree_json(whole, &again), CINCH_MALFORMED);
  CHECK_CODE(cinch_nar_print_tree_json(whole, NULL), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_nar_of_tree_json(CINCH_STR("{\"type\":\"pipe\"}"), collect, &second),
             CINCH_MALFORMED);
  CHECK(again == NULL);
}

static void test_nar_reader(const struct collected* nar) {
  cinch_nar_reader* reader = NULL;
  struct collected events = {{0}, 0, 0};
  CHECK_CODE(cinch_nar_reader_new(describe, &events, &reader), CINCH_OK);
  for (size_t i = 0; i < nar->size; ++i) {
    cinch_str byte = {nar->bytes + i, 1};
    CHECK_CODE(cinch_nar_reader_write(reader, byte), CINCH_OK);
  }
  CHECK_CODE(cinch_nar_reader_finish(reader), CINCH_OK);
  cinch_nar_reader_free(reader);
  CHECK(strncmp(events.bytes, "1  0 0\n4 a 0 0\n2  5 0\n5 ", 24) == 0);
  CHECK(strstr(events.bytes, "6  0 0\n4 b 0 0\n3 a 0 0\n6  0 0\n") != NULL);

  /* Malformed, truncated, stopped. */
  CHECK_CODE(cinch_nar_reader_new(describe, &events, &reader), CINCH_OK);
  CHECK_CODE(cinch_nar_reader_write(reader, CINCH_STR("not a NAR, but long enough for one")),
             CINCH_MALFORMED);
  CHECK_CODE(cinch_nar_reader_write(reader, CINCH_STR("x")), CINCH_INVALID_ARGUMENT);
  cinch_nar_reader_free(reader);
  CHECK_CODE(cinch_nar_reader_new(describe, &events, &reader), CINCH_OK);
  CHECK_CODE(cinch_nar_reader_finish(reader), CINCH_MALFORMED);
  cinch_nar_reader_free(reader);
  events.answer = 1;
  CHECK_CODE(cinch_nar_reader_new(describe, &events, &reader), CINCH_OK);
  CHECK_CODE(cinch_nar_reader_write(reader, collected_text(nar)), CINCH_CANCELLED);
  cinch_nar_reader_free(reader);
  reader = NULL;
  CHECK_CODE(cinch_nar_reader_new(NULL, NULL, &reader), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_nar_reader_write(NULL, CINCH_STR("")), CINCH_INVALID_ARGUMENT);
  CHECK(reader == NULL);
  cinch_nar_reader_free(NULL);
}

static void test_nar_writer_refuses(void) {
  struct collected nar = {{0}, 0, 0};
  cinch_nar_writer* writer = NULL;
  cinch_nar_event event = CINCH_NAR_EVENT_INIT;
  CHECK_CODE(cinch_nar_writer_new(collect, &nar, &writer), CINCH_OK);
  CHECK_CODE(cinch_nar_writer_put(writer, NULL), CINCH_INVALID_ARGUMENT);
  event.reserved = 1;
  CHECK_CODE(cinch_nar_writer_put(writer, &event), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(put(writer, CINCH_NAR_DIRECTORY, "", 0), CINCH_OK);
  event.reserved = 0;
  event.kind = CINCH_NAR_ENTRY;
  event.text = WITH_NUL;
  CHECK_CODE(cinch_nar_writer_put(writer, &event), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(put(writer, CINCH_NAR_LEAVE, "", 0), CINCH_INVALID_ARGUMENT);
  cinch_nar_writer_free(writer);
  CHECK_CODE(cinch_nar_writer_new(collect, &nar, &writer), CINCH_OK);
  CHECK_CODE(cinch_nar_writer_finish(writer), CINCH_INVALID_ARGUMENT);
  cinch_nar_writer_free(writer);
  CHECK_CODE(cinch_nar_writer_new(collect, &nar, &writer), CINCH_OK);
  CHECK_CODE(put(writer, 99, "", 0), CINCH_INVALID_ARGUMENT);
  cinch_nar_writer_free(writer);
  writer = NULL;
  CHECK_CODE(cinch_nar_writer_new(NULL, NULL, &writer), CINCH_INVALID_ARGUMENT);
  CHECK(writer == NULL);
  cinch_nar_writer_free(NULL);
}

static void test_listing(const struct collected* nar) {
  cinch_nar_lister* lister = NULL;
  cinch_nar_listing* listing = NULL;
  cinch_nar_listing* again = NULL;
  cinch_nar_entry entry = CINCH_NAR_ENTRY_INIT;
  cinch_text* json = NULL;
  cinch_str contents = CINCH_STR("");
  bool found = false;
  CHECK_CODE(cinch_nar_lister_new(NULL), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_nar_lister_new(&lister), CINCH_OK);
  CHECK_CODE(cinch_nar_lister_write(lister, collected_text(nar)), CINCH_OK);
  CHECK_CODE(cinch_nar_lister_finish(lister, &listing), CINCH_OK);
  CHECK_CODE(cinch_nar_lister_write(lister, CINCH_STR("x")), CINCH_INVALID_ARGUMENT);
  cinch_nar_lister_free(lister);
  CHECK_CODE(cinch_nar_listing_print_json(listing, &json), CINCH_OK);
  CHECK_CODE(cinch_nar_listing_parse_json(cinch_text_str(json), &again), CINCH_OK);
  cinch_text_free(json);
  cinch_nar_listing_free(listing);
  CHECK_CODE(cinch_nar_listing_find(again, CINCH_STR("a"), &entry, &found), CINCH_OK);
  CHECK(found && entry.kind == CINCH_NAR_FILE && entry.size_bytes == 5 && entry.executable == 0);
  CHECK(memcmp(nar->bytes + entry.offset_bytes, "hello", 5) == 0);
  CHECK_CODE(cinch_nar_listing_find(again, CINCH_STR("b"), &entry, &found), CINCH_OK);
  CHECK(found && entry.kind == CINCH_NAR_SYMLINK && is(entry.target, "a"));
  CHECK(entry.offset_bytes == UINT64_MAX);
  CHECK_CODE(cinch_nar_listing_find(again, CINCH_STR(""), &entry, &found), CINCH_OK);
  CHECK(found && entry.kind == CINCH_NAR_DIRECTORY);
  CHECK_CODE(cinch_nar_listing_find(again, CINCH_STR("a/b"), &entry, &found), CINCH_OK);
  CHECK(!found);
  CHECK_CODE(cinch_nar_listing_contents(again, CINCH_STR("a"), collected_text(nar), &contents),
             CINCH_OK);
  CHECK(contents.size == 5 && memcmp(contents.data, "hello", 5) == 0);
  CHECK_CODE(cinch_nar_listing_contents(again, CINCH_STR("a"), CINCH_STR("short"), &contents),
             CINCH_MALFORMED);
  CHECK_CODE(cinch_nar_listing_contents(again, CINCH_STR("b"), collected_text(nar), &contents),
             CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_nar_listing_contents(again, WITH_NUL, collected_text(nar), &contents),
             CINCH_NOT_FOUND);
  entry.size = 0;
  CHECK_CODE(cinch_nar_listing_find(again, CINCH_STR("a"), &entry, &found), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_nar_listing_find(again, CINCH_STR("a"), NULL, &found), CINCH_INVALID_ARGUMENT);
  cinch_nar_listing_free(again);
  again = NULL;
  CHECK_CODE(cinch_nar_listing_parse_json(CINCH_STR("{\"version\":1}"), &again), CINCH_MALFORMED);
  CHECK_CODE(cinch_nar_listing_parse_json(WITH_NUL, &again), CINCH_MALFORMED);
  CHECK(again == NULL);
}

static void test_address_of_nar(const struct collected* nar) {
  cinch_content_address_hasher* hasher = NULL;
  cinch_content_address* address = NULL;
  cinch_hash* hash = NULL;
  CHECK_CODE(
      cinch_content_address_hasher_new(CINCH_METHOD_NAR, CINCH_SHA256, CINCH_STR(""), &hasher),
      CINCH_OK);
  CHECK_CODE(cinch_content_address_hasher_write(hasher, collected_text(nar)), CINCH_OK);
  CHECK_CODE(cinch_content_address_hasher_finish(hasher, &address), CINCH_OK);
  CHECK_CODE(cinch_content_address_hasher_write(hasher, CINCH_STR("")), CINCH_INVALID_ARGUMENT);
  cinch_content_address_hasher_free(hasher);
  CHECK_CODE(cinch_hash_of(CINCH_SHA256, collected_text(nar), &hash), CINCH_OK);
  CHECK(memcmp(cinch_hash_digest(hash).data,
               cinch_hash_digest(cinch_content_address_hash(address)).data, 32) == 0);
  cinch_hash_free(hash);
  cinch_content_address_free(address);
  hasher = NULL;
  CHECK_CODE(cinch_content_address_hasher_new(CINCH_METHOD_FLAT, CINCH_SHA256, CINCH_STR(HASH_PART),
                                              &hasher),
             CINCH_INVALID_ARGUMENT);
  CHECK_CODE(
      cinch_content_address_hasher_new(CINCH_METHOD_NAR, CINCH_SHA256, CINCH_STR("x"), &hasher),
      CINCH_MALFORMED);
  CHECK_CODE(cinch_content_address_hasher_new(9, CINCH_SHA256, CINCH_STR(""), &hasher),
             CINCH_INVALID_ARGUMENT);
  CHECK(hasher == NULL);
  /* A directory has no flat address. */
  CHECK_CODE(
      cinch_content_address_hasher_new(CINCH_METHOD_FLAT, CINCH_SHA256, CINCH_STR(""), &hasher),
      CINCH_OK);
  CHECK_CODE(cinch_content_address_hasher_write(hasher, collected_text(nar)),
             CINCH_INVALID_ARGUMENT);
  cinch_content_address_hasher_free(hasher);
}

static void test_tree_on_disk(void) {
  char name[] = "/tmp/cinch-values-XXXXXX";
  int file = mkstemp(name);
  struct collected nar = {{0}, 0, 0};
  cinch_content_address* address = NULL;
  CHECK(file >= 0 && write(file, "hello", 5) == 5 && close(file) == 0);
  CHECK_CODE(cinch_content_address_of_tree(CINCH_STR(name), CINCH_METHOD_FLAT, CINCH_SHA256, NULL,
                                           &address),
             CINCH_OK);
  CHECK(is(cinch_content_address_text(address),
           "fixed:sha256:094qif9n4cq4fdg459qzbhg1c6wywawwaaivx0k0x8xhbyx4vwic"));
  cinch_content_address_free(address);
  CHECK_CODE(cinch_content_address_of_tree(CINCH_STR(name), CINCH_METHOD_NAR, CINCH_SHA256, NULL,
                                           &address),
             CINCH_OK);
  CHECK(is(cinch_content_address_text(address),
           "fixed:r:sha256:0sg9f58l1jj88w6pdrfdpj5x9b1zrwszk84j81zvby36q9whhhqa"));
  cinch_content_address_free(address);
  address = NULL;
  CHECK_CODE(cinch_nar_of_tree(CINCH_STR(name), NULL, collect, &nar), CINCH_OK);
  CHECK(nar.size == 120);
  CHECK_CODE(cinch_nar_of_tree(CINCH_STR(name), NULL, NULL, NULL), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_nar_of_tree(WITH_NUL, NULL, collect, &nar), CINCH_INVALID_ARGUMENT);
  CHECK(remove(name) == 0);
  CHECK_CODE(cinch_nar_of_tree(CINCH_STR(name), NULL, collect, &nar), CINCH_NOT_FOUND);
  CHECK_CODE(cinch_content_address_of_tree(CINCH_STR(name), CINCH_METHOD_NAR, CINCH_SHA256, NULL,
                                           &address),
             CINCH_NOT_FOUND);
  CHECK(address == NULL);
}

static void test_references(void) {
  cinch_path* path = NULL;
  cinch_path* other = NULL;
  cinch_paths* found = NULL;
  cinch_reference_scanner* scanner = NULL;
  cinch_reference_rewriter* rewriter = NULL;
  struct collected rewritten = {{0}, 0, 0};
  const cinch_rewrite rewrites[] = {{CINCH_STR(HASH_PART), CINCH_STR(OTHER_HASH_PART)},
                                    {CINCH_STR(HASH_PART), CINCH_STR(OTHER_HASH_PART)}};
  const cinch_rewrite bad = {CINCH_STR("short"), CINCH_STR(OTHER_HASH_PART)};
  CHECK_CODE(cinch_path_from_base_name(STORE, CINCH_STR(HASH_PART "-a"), &path), CINCH_OK);
  CHECK_CODE(cinch_path_from_base_name(STORE, CINCH_STR(OTHER_HASH_PART "-b"), &other), CINCH_OK);
  const cinch_path* const candidates[] = {path, other};
  CHECK_CODE(cinch_reference_scanner_new(candidates, 2, &scanner), CINCH_OK);
  CHECK_CODE(cinch_reference_scanner_write(scanner, CINCH_STR("see " OTHER_HASH_PART)), CINCH_OK);
  CHECK_CODE(cinch_reference_scanner_found(scanner, &found), CINCH_OK);
  CHECK(cinch_paths_count(found) == 1);
  CHECK(is(cinch_path_text(cinch_paths_at(found, 0)), cinch_path_text(other).data));
  cinch_paths_free(found);
  cinch_reference_scanner_free(scanner);
  scanner = NULL;
  CHECK_CODE(cinch_reference_scanner_new(NULL, 2, &scanner), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_reference_scanner_write(NULL, CINCH_STR("")), CINCH_INVALID_ARGUMENT);
  CHECK(scanner == NULL);

  CHECK_CODE(cinch_reference_rewriter_new(rewrites, 1, collect, &rewritten, &rewriter), CINCH_OK);
  CHECK_CODE(cinch_reference_rewriter_write(rewriter, CINCH_STR("see 3x7dwzq0")), CINCH_OK);
  CHECK_CODE(cinch_reference_rewriter_write(rewriter, CINCH_STR("14bblazs7kq20p9hyzz0qh8g!")),
             CINCH_OK);
  CHECK_CODE(cinch_reference_rewriter_finish(rewriter), CINCH_OK);
  CHECK_CODE(cinch_reference_rewriter_write(rewriter, CINCH_STR("")), CINCH_INVALID_ARGUMENT);
  cinch_reference_rewriter_free(rewriter);
  CHECK(is(collected_text(&rewritten), "see " OTHER_HASH_PART "!"));
  rewriter = NULL;
  CHECK_CODE(cinch_reference_rewriter_new(rewrites, 2, collect, &rewritten, &rewriter),
             CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_reference_rewriter_new(&bad, 1, collect, &rewritten, &rewriter),
             CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_reference_rewriter_new(NULL, 0, NULL, NULL, &rewriter), CINCH_INVALID_ARGUMENT);
  CHECK(rewriter == NULL);
  cinch_path_free(path);
  cinch_path_free(other);
}

/* Writes the NAR that is collected, in two pieces. */
static int32_t give_nar(cinch_write_fn write, void* write_payload, void* payload) {
  const struct collected* nar = payload;
  const cinch_str first = {nar->bytes, 10};
  const cinch_str rest = {nar->bytes + 10, nar->size - 10};
  int32_t answer = write(first, write_payload);
  if (answer == 0) answer = write(rest, write_payload);
  return answer != 0 ? answer : nar->answer;
}

/* A file that mentions its own path. */
static void test_content_addresser(void) {
  static const char contents[] = "I am /nix/store/" HASH_PART "-a";
  struct collected nar = {{0}, 0, 0};
  struct collected twin_nar = {{0}, 0, 0};
  cinch_nar_writer* writer = NULL;
  cinch_hash* hash = NULL;
  cinch_path* path = NULL;
  cinch_path_info* object = NULL;
  cinch_path_info* twin = NULL;
  cinch_content_addresser* addresser = NULL;
  cinch_text* sri = NULL;
  char json[512];
  CHECK_CODE(cinch_nar_writer_new(collect, &nar, &writer), CINCH_OK);
  CHECK_CODE(put(writer, CINCH_NAR_FILE, "", sizeof contents - 1), CINCH_OK);
  CHECK_CODE(put(writer, CINCH_NAR_CONTENTS, contents, 0), CINCH_OK);
  CHECK_CODE(put(writer, CINCH_NAR_LEAVE, "", 0), CINCH_OK);
  CHECK_CODE(cinch_nar_writer_finish(writer), CINCH_OK);
  cinch_nar_writer_free(writer);
  CHECK_CODE(cinch_hash_of(CINCH_SHA256, collected_text(&nar), &hash), CINCH_OK);
  sri = printed(hash, CINCH_SRI, true);
  (void)snprintf(json, sizeof json,
                 "{\"narHash\":\"%s\",\"narSize\":%u,\"references\":[\"/nix/store/" HASH_PART
                 "-a\"]}",
                 cinch_text_str(sri).data, (unsigned)nar.size);
  CHECK_CODE(cinch_path_from_base_name(STORE, CINCH_STR(HASH_PART "-a"), &path), CINCH_OK);
  CHECK_CODE(cinch_path_info_parse_json(path, CINCH_STR(json), &object), CINCH_OK);

  CHECK_CODE(cinch_content_addresser_new(STORE, &addresser), CINCH_OK);
  CHECK_CODE(cinch_content_addresser_write(addresser, object, give_nar, &nar, collect, &twin_nar),
             CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_content_addresser_add(addresser, object, give_nar, &nar, &twin), CINCH_OK);
  CHECK(cinch_path_info_is_content_addressed(twin));
  CHECK(cinch_path_info_nar_size_bytes(twin) == nar.size);
  CHECK_CODE(cinch_content_addresser_write(addresser, object, give_nar, &nar, collect, &twin_nar),
             CINCH_OK);
  CHECK(twin_nar.size == nar.size && strstr(twin_nar.bytes + 96, HASH_PART) == NULL);
  cinch_hash_free(hash);
  CHECK_CODE(cinch_hash_of(CINCH_SHA256, collected_text(&twin_nar), &hash), CINCH_OK);
  CHECK(text_is(printed(hash, CINCH_SRI, true), cinch_path_info_nar_hash(twin).data));
  cinch_path_info_free(twin);
  twin = NULL;

  nar.answer = 1;
  CHECK_CODE(cinch_content_addresser_add(addresser, object, give_nar, &nar, &twin),
             CINCH_CANCELLED);
  nar.answer = 0;
  twin_nar.answer = 1;
  CHECK_CODE(cinch_content_addresser_write(addresser, object, give_nar, &nar, collect, &twin_nar),
             CINCH_CANCELLED);
  CHECK_CODE(cinch_content_addresser_add(addresser, object, NULL, NULL, &twin),
             CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_content_addresser_new(WITH_NUL, &addresser), CINCH_MALFORMED);
  CHECK(twin == NULL);
  cinch_content_addresser_free(addresser);
  cinch_content_addresser_free(NULL);
  cinch_path_info_free(object);
  cinch_path_free(path);
  cinch_hash_free(hash);
  cinch_text_free(sri);
}

int main(void) {
  struct collected nar = {{0}, 0, 0};
  test_texts_and_encodings();
  test_algorithms();
  test_hashes();
  test_hashers();
  test_paths();
  test_links();
  test_content_addresses();
  write_tree(&nar);
  test_nar_reader(&nar);
  test_tree_json();
  test_nar_writer_refuses();
  test_listing(&nar);
  test_address_of_nar(&nar);
  test_tree_on_disk();
  test_references();
  test_content_addresser();
  return checks_failed > 0;
}
