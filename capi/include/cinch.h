/*
 * libcinch: the Nix store layer behind a C interface. It names, stores, builds and reads store
 * objects; it has no expression language.
 *
 * NOT FROZEN before 1.0: until then a minor version may change this header and the library's symbol
 * version. From 1.0 on nothing that is here is ever changed or removed.
 *
 * The smallest program (link with `pkg-config --libs cinch`):
 *
 *   #include <cinch.h>
 *   #include <stdio.h>
 *
 *   int main(void) {
 *     cinch_store *store;
 *     cinch_error *error = cinch_store_open(CINCH_STR("local?root=/tmp/demo"), NULL, &store);
 *     if (error != NULL) {
 *       fprintf(stderr, "%s\n", cinch_error_text(error).data);
 *       cinch_error_free(error);
 *       return 1;
 *     }
 *     puts(cinch_store_dir(store).data);
 *     cinch_store_free(store);
 *     return 0;
 *   }
 *
 * Conventions
 *
 * 1. Handles (cinch_store, cinch_path, ...) are opaque. Those that a function hands out through a
 *    parameter `..._out` belong to the caller, who releases each with the _free function of its
 *    type and nothing else, never with free(). A _free function accepts NULL and cannot fail.
 * 2. What a getter returns is borrowed: it lives as long as the handle it was asked of.
 * 3. A cinch_str is bytes and their number, in no particular encoding; it may contain NUL. Those
 *    that the library returns are followed by a NUL byte that is not counted, unless the getter
 *    says otherwise, and are never NULL; those that the caller passes need none. Arguments are
 *    borrowed for the call.
 * 4. A function that can fail returns a cinch_error, which the caller owns, or NULL for success. If
 *    it fails, it leaves its `..._out` parameters as they were. "There is none" is an answer, not
 *    an error. Errors belong to no thread.
 * 5. const tells the thread rule: functions that take a const handle may be called on it from
 *    several threads at once; those that take a non-const one need it for themselves. All handles
 *    may move between threads. None may be used in a child after fork().
 * 6. A structure that the caller fills in begins with `size`; the macro ..._INIT sets it and zeroes
 *    the rest, and zero means the default. Fields are only ever appended; a non-zero field that
 *    this version does not know is refused.
 * 7. A callback gets the payload that was passed beside it as its last argument. It is called
 *    during the call it was passed to, never by two threads at once for one call, but not always
 *    on the calling thread. It returns 0 to go on, and anything else to stop: the function then
 *    ends with CINCH_CANCELLED. It must not let an exception or longjmp out, and must not free the
 *    handle of the call. One that a ..._new function takes is called during later calls with the
 *    new handle, and only then.
 * 8. Streams are handles, too: ..._new makes one, ..._write gives it the next bytes, in pieces of
 *    any size, and ..._finish says that there are no more. After a failure, or ..._finish, only
 *    getters and ..._free may be called; other functions give CINCH_INVALID_ARGUMENT.
 * 9. No exception, signal handler, print or exit crosses this interface. The library reads no
 *    environment variable, changes no process-wide state, and opens descriptors close-on-exec.
 *
 * Every function is described in docs/reference/capi.
 */
#ifndef CINCH_H
#define CINCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
#define CINCH_NOEXCEPT noexcept
extern "C" {
#else
#define CINCH_NOEXCEPT
#endif

#define CINCH_API __attribute__((visibility("default")))

/* ---- Strings */

typedef struct cinch_str {
  const char* data; /* NULL only if size is 0 */
  size_t size;      /* bytes */
} cinch_str;

/* The text of a C string, without its NUL. */
static inline cinch_str cinch_str_of(const char* text) {
  cinch_str result;
  result.data = text;
  result.size = strlen(text);
  return result;
}
#define CINCH_STR(text) cinch_str_of(text)

/* ---- Versions */

#define CINCH_VERSION_MAJOR 0
#define CINCH_VERSION_MINOR 1
#define CINCH_VERSION_PATCH 0
/* Major * 1,000,000 + minor * 1,000 + patch: compare as a number. */
#define CINCH_VERSION 1000

/* The version of the library that is running, made like CINCH_VERSION. */
CINCH_API uint32_t cinch_version(void) CINCH_NOEXCEPT;
/* The interface version: 0 until this header is frozen, 1 from then on. */
CINCH_API uint32_t cinch_abi_version(void) CINCH_NOEXCEPT;
/* Whether this build has a feature: "local", "daemon", "build". */
CINCH_API bool cinch_has_feature(cinch_str name) CINCH_NOEXCEPT;

/* ---- Errors */

typedef struct cinch_error cinch_error;

/* Codes of errors. Numbers never change; new ones may appear: treat an unknown one as CINCH_IO. */
#define CINCH_OK 0
#define CINCH_INVALID_ARGUMENT 1
#define CINCH_MALFORMED 2
#define CINCH_NOT_FOUND 3
#define CINCH_NOT_SUPPORTED 4
#define CINCH_IO 5
#define CINCH_NO_SPACE 6
#define CINCH_PERMISSION_DENIED 7
#define CINCH_READ_ONLY 8
#define CINCH_BUSY 9
#define CINCH_CORRUPT 10
#define CINCH_HASH_MISMATCH 11
#define CINCH_LIMIT_EXCEEDED 12
#define CINCH_PROTOCOL 13
#define CINCH_DISCONNECTED 14
#define CINCH_CANCELLED 15
#define CINCH_NOT_TRUSTED 16
#define CINCH_INVALID_DERIVATION 17
#define CINCH_BUILD_FAILED 18
#define CINCH_DEPENDENCY_FAILED 19
#define CINCH_TIMED_OUT 20
#define CINCH_SANDBOX_UNAVAILABLE 21
#define CINCH_INTERNAL 22

CINCH_API uint32_t cinch_error_code(const cinch_error* error) CINCH_NOEXCEPT;
/* The name of a code, e.g. "not-found"; "unknown" for numbers that are none. */
CINCH_API cinch_str cinch_code_name(uint32_t code) CINCH_NOEXCEPT;
/* Everything that is known about the error, on one line. */
CINCH_API cinch_str cinch_error_text(const cinch_error* error) CINCH_NOEXCEPT;
CINCH_API cinch_str cinch_error_message(const cinch_error* error) CINCH_NOEXCEPT;
CINCH_API cinch_str cinch_error_subject(const cinch_error* error) CINCH_NOEXCEPT;
CINCH_API cinch_str cinch_error_hint(const cinch_error* error) CINCH_NOEXCEPT;
CINCH_API bool cinch_error_offset(const cinch_error* error,
                                  uint64_t* offset_bytes_out) CINCH_NOEXCEPT;
CINCH_API bool cinch_error_is_retryable(const cinch_error* error) CINCH_NOEXCEPT;
CINCH_API void cinch_error_free(cinch_error* error) CINCH_NOEXCEPT;

/* ---- Cancellation: one handle stops every operation that it was passed to */

typedef struct cinch_cancel cinch_cancel;

CINCH_API cinch_error* cinch_cancel_new(cinch_cancel** cancel_out) CINCH_NOEXCEPT;
CINCH_API void cinch_cancel_request(const cinch_cancel* cancel) CINCH_NOEXCEPT;
CINCH_API void cinch_cancel_free(cinch_cancel* cancel) CINCH_NOEXCEPT;

/* ---- Texts: bytes that the library made, or that a callback gives to it */

typedef struct cinch_text cinch_text;

/* A copy of the bytes. */
CINCH_API cinch_error* cinch_text_new(cinch_str bytes, cinch_text** text_out) CINCH_NOEXCEPT;
/* The bytes; a NUL follows. */
CINCH_API cinch_str cinch_text_str(const cinch_text* text) CINCH_NOEXCEPT;
CINCH_API void cinch_text_free(cinch_text* text) CINCH_NOEXCEPT;

/* ---- Encodings of bytes as text, strict: each value has one text, but for the case of base 16 */

#define CINCH_BASE16 1
#define CINCH_NIX32 2 /* Nix's base 32: 0123456789abcdfghijklmnpqrsvwxyz, the last byte first */
#define CINCH_BASE64 3
#define CINCH_SRI 4 /* of hashes only: "sha256-<base64>" */

CINCH_API cinch_error* cinch_encode(uint32_t encoding, cinch_str bytes,
                                    cinch_text** text_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_decode(uint32_t encoding, cinch_str text,
                                    cinch_text** bytes_out) CINCH_NOEXCEPT;

/* ---- Hashes: a digest and the algorithm that made it */

/* Algorithms. Numbers never change; new ones may appear. */
#define CINCH_MD5 1
#define CINCH_SHA1 2
#define CINCH_SHA256 3
#define CINCH_SHA512 4
#define CINCH_BLAKE3 5
#define CINCH_SHA3_256 6 /* Guix's, as the following ones */
#define CINCH_SHA3_512 7
#define CINCH_BLAKE2S_256 8

typedef struct cinch_hash cinch_hash; /* a value */
typedef struct cinch_hasher
    cinch_hasher; /* a stream that is hashed by several algorithms at once */

/* "sha256", "blake2s-256", ...: CINCH_MALFORMED for other names. */
CINCH_API cinch_error* cinch_hash_algorithm_parse(cinch_str name,
                                                  uint32_t* algorithm_out) CINCH_NOEXCEPT;
/* "unknown" for numbers that are none. */
CINCH_API cinch_str cinch_hash_algorithm_name(uint32_t algorithm) CINCH_NOEXCEPT;
/* The bytes of its digests, 16 to 64; 0 for numbers that are none. */
CINCH_API size_t cinch_hash_algorithm_digest_bytes(uint32_t algorithm) CINCH_NOEXCEPT;

/* From a digest of the right length, in bytes. */
CINCH_API cinch_error* cinch_hash_new(uint32_t algorithm, cinch_str digest,
                                      cinch_hash** hash_out) CINCH_NOEXCEPT;
/* The hash of some bytes. */
CINCH_API cinch_error* cinch_hash_of(uint32_t algorithm, cinch_str bytes,
                                     cinch_hash** hash_out) CINCH_NOEXCEPT;
/* "sha256:<base 16, nix32 or base64>", "sha256-<base64>"; the digest alone if `algorithm` is not 0,
 * in which case the text may name no other. */
CINCH_API cinch_error* cinch_hash_parse(cinch_str text, uint32_t algorithm,
                                        cinch_hash** hash_out) CINCH_NOEXCEPT;
/* With the algorithm before it, or, but for CINCH_SRI, without. */
CINCH_API cinch_error* cinch_hash_print(const cinch_hash* hash, uint32_t encoding,
                                        bool with_algorithm, cinch_text** text_out) CINCH_NOEXCEPT;
CINCH_API uint32_t cinch_hash_algorithm(const cinch_hash* hash) CINCH_NOEXCEPT;
/* The bytes; no NUL follows. */
CINCH_API cinch_str cinch_hash_digest(const cinch_hash* hash) CINCH_NOEXCEPT;
CINCH_API void cinch_hash_free(cinch_hash* hash) CINCH_NOEXCEPT;

CINCH_API cinch_error* cinch_hasher_new(const uint32_t* algorithms, size_t algorithms_count,
                                        cinch_hasher** hasher_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_hasher_write(cinch_hasher* hasher, cinch_str bytes) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_hasher_finish(cinch_hasher* hasher) CINCH_NOEXCEPT;
CINCH_API uint64_t cinch_hasher_size_bytes(const cinch_hasher* hasher) CINCH_NOEXCEPT;
/* After cinch_hasher_finish(), in the order of the algorithms; NULL before, and behind the last. */
CINCH_API const cinch_hash* cinch_hasher_hash_at(const cinch_hasher* hasher,
                                                 size_t index) CINCH_NOEXCEPT;
CINCH_API void cinch_hasher_free(cinch_hasher* hasher) CINCH_NOEXCEPT;

/* ---- Store paths: the name of one object in a store */

typedef struct cinch_path cinch_path;
typedef struct cinch_paths cinch_paths; /* a list of them */

CINCH_API cinch_error* cinch_path_parse(cinch_str store_dir, cinch_str text,
                                        cinch_path** path_out) CINCH_NOEXCEPT;
/* From "<32 characters>-<name>". */
CINCH_API cinch_error* cinch_path_from_base_name(cinch_str store_dir, cinch_str base_name,
                                                 cinch_path** path_out) CINCH_NOEXCEPT;
/* From the 20 bytes that the hash part stands for, and the name. */
CINCH_API cinch_error* cinch_path_from_digest(cinch_str store_dir, cinch_str digest, cinch_str name,
                                              cinch_path** path_out) CINCH_NOEXCEPT;
/* The path that `text` is or lies below ("/nix/store/<32 characters>-<name>/bin/x"), or NULL; goes
 * by the text alone. What follows the path begins at `rest_offset`. */
CINCH_API cinch_error* cinch_path_find(cinch_str store_dir, cinch_str text, cinch_path** path_out,
                                       size_t* rest_offset_out) CINCH_NOEXCEPT;
/* Gives the target of the symlink `file_name`, which is absolute, or leaves it NULL if that is
 * none. The library takes the text over. */
typedef int32_t (*cinch_read_link_fn)(cinch_str file_name, cinch_text** target_out, void* payload);
/* Follows symlinks, as ./result is one, to a place in the store, whose name it gives. */
CINCH_API cinch_error* cinch_path_follow(cinch_str store_dir, cinch_str file_name,
                                         cinch_read_link_fn read_link, void* payload,
                                         cinch_text** place_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_path_clone(const cinch_path* path,
                                        cinch_path** path_out) CINCH_NOEXCEPT;
/* "/nix/store/<32 characters>-<name>" */
CINCH_API cinch_str cinch_path_text(const cinch_path* path) CINCH_NOEXCEPT;
/* "<32 characters>-<name>" */
CINCH_API cinch_str cinch_path_base_name(const cinch_path* path) CINCH_NOEXCEPT;
/* "<name>" */
CINCH_API cinch_str cinch_path_name(const cinch_path* path) CINCH_NOEXCEPT;
/* "<32 characters>"; no NUL follows */
CINCH_API cinch_str cinch_path_hash_part(const cinch_path* path) CINCH_NOEXCEPT;
/* "/nix/store"; no NUL follows */
CINCH_API cinch_str cinch_path_store_dir(const cinch_path* path) CINCH_NOEXCEPT;
/* Writes the 20 bytes that the hash part stands for. */
CINCH_API void cinch_path_digest(const cinch_path* path, uint8_t* digest_out) CINCH_NOEXCEPT;
/* Whether the name ends in ".drv". */
CINCH_API bool cinch_path_is_derivation(const cinch_path* path) CINCH_NOEXCEPT;
CINCH_API void cinch_path_free(cinch_path* path) CINCH_NOEXCEPT;

CINCH_API size_t cinch_paths_count(const cinch_paths* paths) CINCH_NOEXCEPT;
CINCH_API const cinch_path* cinch_paths_at(const cinch_paths* paths, size_t index) CINCH_NOEXCEPT;
CINCH_API void cinch_paths_free(cinch_paths* paths) CINCH_NOEXCEPT;

/* ---- Content addresses: how content was serialised, and its hash; paths follow from them */

/* Methods. Numbers never change; new ones may appear. */
#define CINCH_METHOD_TEXT 1 /* the bytes of a regular file, with references; sha256 */
#define CINCH_METHOD_FLAT 2 /* the bytes of a regular file */
#define CINCH_METHOD_NAR 3  /* the NAR of any object; with sha256 also with references */
#define CINCH_METHOD_GIT 4  /* the git object of a file or directory; sha1 and sha256 */

typedef struct cinch_content_address cinch_content_address; /* a value */
typedef struct cinch_content_address_hasher cinch_content_address_hasher;

CINCH_API cinch_error* cinch_content_address_new(
    uint32_t method, const cinch_hash* hash, cinch_content_address** address_out) CINCH_NOEXCEPT;
/* "text:sha256:<nix32>", "fixed:sha1:...", "fixed:r:sha256:...", "fixed:git:sha1:..." */
CINCH_API cinch_error* cinch_content_address_parse(
    cinch_str text, cinch_content_address** address_out) CINCH_NOEXCEPT;
/* {"hash": "sha256-...", "method": "nar"} */
CINCH_API cinch_error* cinch_content_address_parse_json(
    cinch_str json, cinch_content_address** address_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_content_address_print_json(const cinch_content_address* address,
                                                        cinch_text** json_out) CINCH_NOEXCEPT;
CINCH_API cinch_str cinch_content_address_text(const cinch_content_address* address) CINCH_NOEXCEPT;
CINCH_API uint32_t cinch_content_address_method(const cinch_content_address* address)
    CINCH_NOEXCEPT;
CINCH_API const cinch_hash* cinch_content_address_hash(const cinch_content_address* address)
    CINCH_NOEXCEPT;
/* The path that the content has under this name. `refers_to_itself`: it mentions that path. */
CINCH_API cinch_error* cinch_content_address_path(const cinch_content_address* address,
                                                  cinch_str store_dir, cinch_str name,
                                                  const cinch_path* const* references,
                                                  size_t references_count, bool refers_to_itself,
                                                  cinch_path** path_out) CINCH_NOEXCEPT;
CINCH_API void cinch_content_address_free(cinch_content_address* address) CINCH_NOEXCEPT;
/* "text", "flat", "nar", "git"; "unknown" for numbers that are none. */
CINCH_API cinch_str cinch_content_address_method_name(uint32_t method) CINCH_NOEXCEPT;

/* Of a file, directory or symlink of this machine. */
CINCH_API cinch_error* cinch_content_address_of_tree(
    cinch_str file_name, uint32_t method, uint32_t algorithm, const cinch_cancel* cancel,
    cinch_content_address** address_out) CINCH_NOEXCEPT;
/* Of the NAR that is written to it. `self` is the hash part of the object's own path, if it
 * mentions that (CINCH_METHOD_NAR only), else empty. */
CINCH_API cinch_error* cinch_content_address_hasher_new(
    uint32_t method, uint32_t algorithm, cinch_str self,
    cinch_content_address_hasher** hasher_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_content_address_hasher_write(cinch_content_address_hasher* hasher,
                                                          cinch_str nar) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_content_address_hasher_finish(
    cinch_content_address_hasher* hasher, cinch_content_address** address_out) CINCH_NOEXCEPT;
CINCH_API void cinch_content_address_hasher_free(cinch_content_address_hasher* hasher)
    CINCH_NOEXCEPT;

/* Takes the next bytes, which are valid during the call only; there is at least one. */
typedef int32_t (*cinch_write_fn)(cinch_str bytes, void* payload);

/* ---- NARs: one file-system object as bytes, in exactly one way */

/* Kinds of events, and of objects. Closed. */
#define CINCH_NAR_DIRECTORY 1 /* a directory; entries follow, then CINCH_NAR_LEAVE */
#define CINCH_NAR_FILE 2     /* size_bytes, executable; CINCH_NAR_CONTENTS follow, then ..._LEAVE */
#define CINCH_NAR_SYMLINK 3  /* text: the target */
#define CINCH_NAR_ENTRY 4    /* text: the name of the next object, in ascending order of bytes */
#define CINCH_NAR_CONTENTS 5 /* text: the next bytes of the file, at least one */
#define CINCH_NAR_LEAVE 6    /* the directory or file ends */

typedef struct cinch_nar_event {
  uint32_t size; /* bytes of this structure; set by the macro, or by the library */
  uint32_t kind;
  cinch_str text; /* no NUL follows */
  uint64_t size_bytes;
  uint32_t executable; /* 0 or 1 */
  uint32_t reserved;   /* 0 */
} cinch_nar_event;
#define CINCH_NAR_EVENT_INIT \
  { sizeof(cinch_nar_event), 0, {NULL, 0}, 0, 0, 0 }

/* Gets each event in the order of the NAR. The event is valid during the call only. */
typedef int32_t (*cinch_nar_event_fn)(const cinch_nar_event* event, void* payload);

typedef struct cinch_nar_reader cinch_nar_reader; /* bytes to events */
typedef struct cinch_nar_writer cinch_nar_writer; /* events to bytes */

CINCH_API cinch_error* cinch_nar_reader_new(cinch_nar_event_fn event, void* payload,
                                            cinch_nar_reader** reader_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_nar_reader_write(cinch_nar_reader* reader,
                                              cinch_str nar) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_nar_reader_finish(cinch_nar_reader* reader) CINCH_NOEXCEPT;
CINCH_API void cinch_nar_reader_free(cinch_nar_reader* reader) CINCH_NOEXCEPT;

CINCH_API cinch_error* cinch_nar_writer_new(cinch_write_fn write, void* payload,
                                            cinch_nar_writer** writer_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_nar_writer_put(cinch_nar_writer* writer,
                                            const cinch_nar_event* event) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_nar_writer_finish(cinch_nar_writer* writer) CINCH_NOEXCEPT;
CINCH_API void cinch_nar_writer_free(cinch_nar_writer* writer) CINCH_NOEXCEPT;

/* The NAR of a file, directory or symlink of this machine. */
CINCH_API cinch_error* cinch_nar_of_tree(cinch_str file_name, const cinch_cancel* cancel,
                                         cinch_write_fn write, void* payload) CINCH_NOEXCEPT;

/* ---- Listings: what is in a NAR, and where */

/* Nix's JSON of a tree, with the contents of files as text, from a NAR and to one. */
CINCH_API cinch_error* cinch_nar_print_tree_json(cinch_str nar,
                                                 cinch_text** json_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_nar_of_tree_json(cinch_str json, cinch_write_fn write,
                                              void* payload) CINCH_NOEXCEPT;

typedef struct cinch_nar_listing cinch_nar_listing;
typedef struct cinch_nar_lister cinch_nar_lister; /* a NAR that is listed as it is written to it */

/* One object of a listing. */
typedef struct cinch_nar_entry {
  uint32_t size; /* bytes of this structure; set by the macro */
  uint32_t kind; /* CINCH_NAR_DIRECTORY, CINCH_NAR_FILE or CINCH_NAR_SYMLINK */
  cinch_str target;
  uint64_t size_bytes;   /* of a file */
  uint64_t offset_bytes; /* of a file's contents in the NAR; UINT64_MAX: unknown */
  uint32_t executable;   /* 0 or 1 */
  uint32_t reserved;     /* 0 */
} cinch_nar_entry;
#define CINCH_NAR_ENTRY_INIT \
  { sizeof(cinch_nar_entry), 0, {NULL, 0}, 0, 0, 0, 0 }

CINCH_API cinch_error* cinch_nar_lister_new(cinch_nar_lister** lister_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_nar_lister_write(cinch_nar_lister* lister,
                                              cinch_str nar) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_nar_lister_finish(cinch_nar_lister* lister,
                                               cinch_nar_listing** listing_out) CINCH_NOEXCEPT;
CINCH_API void cinch_nar_lister_free(cinch_nar_lister* lister) CINCH_NOEXCEPT;

/* The JSON of a file "<hash part>.ls". */
CINCH_API cinch_error* cinch_nar_listing_parse_json(cinch_str json,
                                                    cinch_nar_listing** listing_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_nar_listing_print_json(const cinch_nar_listing* listing,
                                                    cinch_text** json_out) CINCH_NOEXCEPT;
/* What is called `path` ("bin/x"; "" is the root): false if there is nothing. */
CINCH_API cinch_error* cinch_nar_listing_find(const cinch_nar_listing* listing, cinch_str path,
                                              cinch_nar_entry* entry_out,
                                              bool* found_out) CINCH_NOEXCEPT;
/* The bytes of the file of that name, which lie inside of `nar`; no NUL follows. */
CINCH_API cinch_error* cinch_nar_listing_contents(const cinch_nar_listing* listing, cinch_str path,
                                                  cinch_str nar,
                                                  cinch_str* contents_out) CINCH_NOEXCEPT;
CINCH_API void cinch_nar_listing_free(cinch_nar_listing* listing) CINCH_NOEXCEPT;

/* ---- References: which paths some bytes mention, and how to make them mention others */

typedef struct cinch_reference_scanner cinch_reference_scanner;
typedef struct cinch_reference_rewriter cinch_reference_rewriter;

CINCH_API cinch_error* cinch_reference_scanner_new(
    const cinch_path* const* candidates, size_t candidates_count,
    cinch_reference_scanner** scanner_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_reference_scanner_write(cinch_reference_scanner* scanner,
                                                     cinch_str bytes) CINCH_NOEXCEPT;
/* Those that were found up to now, sorted. */
CINCH_API cinch_error* cinch_reference_scanner_found(const cinch_reference_scanner* scanner,
                                                     cinch_paths** paths_out) CINCH_NOEXCEPT;
CINCH_API void cinch_reference_scanner_free(cinch_reference_scanner* scanner) CINCH_NOEXCEPT;

/* A hash part, of 32 characters, and the 32 bytes that stand in its place. */
typedef struct cinch_rewrite {
  cinch_str from;
  cinch_str to;
} cinch_rewrite;

CINCH_API cinch_error* cinch_reference_rewriter_new(
    const cinch_rewrite* rewrites, size_t rewrites_count, cinch_write_fn write, void* payload,
    cinch_reference_rewriter** rewriter_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_reference_rewriter_write(cinch_reference_rewriter* rewriter,
                                                      cinch_str bytes) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_reference_rewriter_finish(cinch_reference_rewriter* rewriter)
    CINCH_NOEXCEPT;
CINCH_API void cinch_reference_rewriter_free(cinch_reference_rewriter* rewriter) CINCH_NOEXCEPT;

/* ---- Stores */

typedef struct cinch_store cinch_store;

typedef struct cinch_setting {
  cinch_str name;
  cinch_str value;
} cinch_setting;

typedef struct cinch_store_options {
  uint32_t size;     /* bytes of this structure; set by the macro */
  uint32_t reserved; /* 0 */
  /* Settings by their names in nix.conf, e.g. "sandbox-paths". */
  const cinch_setting* settings;
  size_t settings_count;
  /* What to take for environment variables, e.g. "NIX_STORE_DIR"; the process's are not read. */
  const cinch_setting* environment;
  size_t environment_count;
} cinch_store_options;
#define CINCH_STORE_OPTIONS_INIT \
  { sizeof(cinch_store_options), 0, NULL, 0, NULL, 0 }

CINCH_API cinch_error* cinch_store_open(cinch_str url, const cinch_store_options* options,
                                        cinch_store** store_out) CINCH_NOEXCEPT;
CINCH_API void cinch_store_free(cinch_store* store) CINCH_NOEXCEPT;
CINCH_API cinch_str cinch_store_dir(const cinch_store* store) CINCH_NOEXCEPT;
CINCH_API cinch_str cinch_store_url(const cinch_store* store) CINCH_NOEXCEPT;

/* ---- What a store knows about its objects */

typedef struct cinch_path_info cinch_path_info;
typedef struct cinch_path_infos cinch_path_infos; /* a list of them */

CINCH_API cinch_error* cinch_store_is_valid(const cinch_store* store, const cinch_path* path,
                                            bool* valid_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_store_find(const cinch_store* store, const cinch_path* const* paths,
                                        size_t paths_count,
                                        cinch_path_infos** infos_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_store_find_by_hash_part(const cinch_store* store, cinch_str hash_part,
                                                     cinch_path** path_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_store_closure(const cinch_store* store, const cinch_path* const* paths,
                                           size_t paths_count,
                                           cinch_path_infos** infos_out) CINCH_NOEXCEPT;

CINCH_API size_t cinch_path_infos_count(const cinch_path_infos* infos) CINCH_NOEXCEPT;
CINCH_API const cinch_path_info* cinch_path_infos_at(const cinch_path_infos* infos,
                                                     size_t index) CINCH_NOEXCEPT;
CINCH_API void cinch_path_infos_free(cinch_path_infos* infos) CINCH_NOEXCEPT;

CINCH_API const cinch_path* cinch_path_info_path(const cinch_path_info* info) CINCH_NOEXCEPT;
/* "sha256-<base64>" */
CINCH_API cinch_str cinch_path_info_nar_hash(const cinch_path_info* info) CINCH_NOEXCEPT;
CINCH_API uint64_t cinch_path_info_nar_size_bytes(const cinch_path_info* info) CINCH_NOEXCEPT;
CINCH_API size_t cinch_path_info_references_count(const cinch_path_info* info) CINCH_NOEXCEPT;
CINCH_API const cinch_path* cinch_path_info_reference_at(const cinch_path_info* info,
                                                         size_t index) CINCH_NOEXCEPT;
CINCH_API const cinch_path* cinch_path_info_deriver(const cinch_path_info* info) CINCH_NOEXCEPT;
CINCH_API int64_t cinch_path_info_registration_unix_seconds(const cinch_path_info* info)
    CINCH_NOEXCEPT;
CINCH_API bool cinch_path_info_is_ultimate(const cinch_path_info* info) CINCH_NOEXCEPT;
CINCH_API size_t cinch_path_info_signatures_count(const cinch_path_info* info) CINCH_NOEXCEPT;
/* "<key name>:<base64>" */
CINCH_API cinch_str cinch_path_info_signature_at(const cinch_path_info* info,
                                                 size_t index) CINCH_NOEXCEPT;
/* "fixed:sha256:<nix32>", ...; empty if the path does not follow from the content */
CINCH_API cinch_str cinch_path_info_content_address(const cinch_path_info* info) CINCH_NOEXCEPT;

/* ---- Adding content, and reading it back */

CINCH_API cinch_error* cinch_store_add_file(const cinch_store* store, cinch_str name,
                                            cinch_str file_name, const cinch_cancel* cancel,
                                            cinch_path** path_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_store_add_tree(const cinch_store* store, cinch_str name,
                                            cinch_str file_name, const cinch_cancel* cancel,
                                            cinch_path** path_out) CINCH_NOEXCEPT;
/* Says whether to add an entry of a tree: sets *included_out, which is true before. `path` is that
 * below the tree ("a/b"), valid during the call only; no NUL follows it. */
typedef int32_t (*cinch_filter_fn)(cinch_str path, bool* included_out, void* payload);

CINCH_API cinch_error* cinch_store_add_filtered_tree(const cinch_store* store, cinch_str name,
                                                     cinch_str file_name, cinch_filter_fn filter,
                                                     void* payload, const cinch_cancel* cancel,
                                                     cinch_path** path_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_store_add_text(const cinch_store* store, cinch_str name,
                                            cinch_str text, const cinch_path* const* references,
                                            size_t references_count,
                                            cinch_path** path_out) CINCH_NOEXCEPT;

CINCH_API cinch_error* cinch_store_read_nar(const cinch_store* store, const cinch_path* path,
                                            const cinch_cancel* cancel, cinch_write_fn write,
                                            void* payload) CINCH_NOEXCEPT;

/* ---- Derivations and building */

typedef struct cinch_outputs cinch_outputs; /* a list of names and, where known, paths */

CINCH_API size_t cinch_outputs_count(const cinch_outputs* outputs) CINCH_NOEXCEPT;
CINCH_API cinch_str cinch_outputs_name_at(const cinch_outputs* outputs,
                                          size_t index) CINCH_NOEXCEPT;
CINCH_API const cinch_path* cinch_outputs_path_at(const cinch_outputs* outputs,
                                                  size_t index) CINCH_NOEXCEPT;
CINCH_API void cinch_outputs_free(cinch_outputs* outputs) CINCH_NOEXCEPT;

CINCH_API cinch_error* cinch_store_add_derivation(const cinch_store* store, cinch_str json,
                                                  cinch_path** path_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_store_add_derivations(const cinch_store* store, cinch_str json,
                                                   cinch_paths** paths_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_store_derivation_outputs(const cinch_store* store,
                                                      const cinch_path* derivation,
                                                      cinch_outputs** outputs_out) CINCH_NOEXCEPT;

/* Kinds of events. New ones may appear: ignore those that you do not know. */
#define CINCH_EVENT_MESSAGE 1        /* level, text: a sentence for a person */
#define CINCH_EVENT_BUILD_STARTED 2  /* derivation */
#define CINCH_EVENT_BUILD_LOG 3      /* derivation, text: one line, without the newline */
#define CINCH_EVENT_BUILD_FINISHED 4 /* derivation, status, text: the error; duration_ms */
#define CINCH_EVENT_PROGRESS 5       /* done, expected, running, failed: numbers of builds */

/* What happened. Fields that the kind does not name are 0, NULL or empty. */
typedef struct cinch_event {
  uint32_t size; /* bytes of this structure; set by the library */
  uint32_t kind;
  const cinch_path* derivation;
  cinch_str text;
  uint32_t level;  /* 0 error, 1 warning, 2 notice, 3 info, up to 7: ever more detail */
  uint32_t status; /* one of CINCH_BUILD_... */
  uint64_t duration_ms;
  uint64_t done;
  uint64_t expected;
  uint64_t running;
  uint64_t failed;
} cinch_event;

/* Gets each event as it happens, in order. The event is valid during the call only. */
typedef int32_t (*cinch_event_fn)(const cinch_event* event, void* payload);

typedef struct cinch_build_options {
  uint32_t size;       /* bytes of this structure; set by the macro */
  uint32_t keep_going; /* 1: after a failure, finish what does not depend on it */
  cinch_event_fn event;
  void* payload; /* for event */
  const cinch_cancel* cancel;
} cinch_build_options;
#define CINCH_BUILD_OPTIONS_INIT \
  { sizeof(cinch_build_options), 0, NULL, NULL, NULL }

/* How a build ended. Numbers never change; new ones may appear: each unknown one is a failure. */
#define CINCH_BUILD_BUILT 0
#define CINCH_BUILD_SUBSTITUTED 1
#define CINCH_BUILD_ALREADY_VALID 2
#define CINCH_BUILD_PERMANENT_FAILURE 3
#define CINCH_BUILD_INPUT_REJECTED 4
#define CINCH_BUILD_OUTPUT_REJECTED 5
#define CINCH_BUILD_TRANSIENT_FAILURE 6
#define CINCH_BUILD_CACHED_FAILURE 7
#define CINCH_BUILD_TIMED_OUT 8
#define CINCH_BUILD_MISC_FAILURE 9
#define CINCH_BUILD_DEPENDENCY_FAILED 10
#define CINCH_BUILD_LOG_LIMIT_EXCEEDED 11
#define CINCH_BUILD_NOT_DETERMINISTIC 12
#define CINCH_BUILD_RESOLVES_TO_ALREADY_VALID 13
#define CINCH_BUILD_NO_SUBSTITUTERS 14

typedef struct cinch_build_result cinch_build_result;
typedef struct cinch_build_results cinch_build_results; /* a list of them */

CINCH_API cinch_error* cinch_store_build(const cinch_store* store, const cinch_str* wanted,
                                         size_t wanted_count, const cinch_build_options* options,
                                         cinch_build_results** results_out) CINCH_NOEXCEPT;

CINCH_API size_t cinch_build_results_count(const cinch_build_results* results) CINCH_NOEXCEPT;
CINCH_API const cinch_build_result* cinch_build_results_at(const cinch_build_results* results,
                                                           size_t index) CINCH_NOEXCEPT;
CINCH_API void cinch_build_results_free(cinch_build_results* results) CINCH_NOEXCEPT;

CINCH_API uint32_t cinch_build_result_status(const cinch_build_result* result) CINCH_NOEXCEPT;
CINCH_API bool cinch_build_result_succeeded(const cinch_build_result* result) CINCH_NOEXCEPT;
/* Empty on success; else it names the derivation, the exit status and the log. */
CINCH_API cinch_str cinch_build_result_message(const cinch_build_result* result) CINCH_NOEXCEPT;
CINCH_API const cinch_outputs* cinch_build_result_outputs(const cinch_build_result* result)
    CINCH_NOEXCEPT;
CINCH_API int64_t cinch_build_result_start_unix_seconds(const cinch_build_result* result)
    CINCH_NOEXCEPT;
CINCH_API int64_t cinch_build_result_stop_unix_seconds(const cinch_build_result* result)
    CINCH_NOEXCEPT;
/* The name of a status, e.g. "Built"; "unknown" for numbers that are none. */
CINCH_API cinch_str cinch_build_status_name(uint32_t status) CINCH_NOEXCEPT;

CINCH_API cinch_error* cinch_store_read_log(const cinch_store* store, const cinch_path* derivation,
                                            cinch_write_fn write, void* payload,
                                            bool* found_out) CINCH_NOEXCEPT;

/* ---- Derivations as values; no store is needed */

typedef struct cinch_derivation cinch_derivation;
typedef struct cinch_derivation_hasher cinch_derivation_hasher; /* finds the paths of outputs */

typedef struct cinch_variable {
  cinch_str name;
  cinch_str value;
} cinch_variable;

/* Kinds of outputs. New ones may appear. */
#define CINCH_OUTPUT_INPUT_ADDRESSED 1 /* the path follows from the derivation, and is known */
#define CINCH_OUTPUT_FIXED 2           /* the content is known in advance */
#define CINCH_OUTPUT_DEFERRED 3        /* as the first, but not filled in, or not known yet */
#define CINCH_OUTPUT_FLOATING 4        /* the path follows from what is built */
#define CINCH_OUTPUT_IMPURE 5          /* as floating; each build may give something else */

/* `name` is that of the derivation, without ".drv", which the text does not contain. */
CINCH_API cinch_error* cinch_derivation_parse_aterm(
    cinch_str store_dir, cinch_str name, cinch_str aterm,
    cinch_derivation** derivation_out) CINCH_NOEXCEPT;
/* Version 4 of Nix's format, or what Nix 2.8 prints. */
CINCH_API cinch_error* cinch_derivation_parse_json(
    cinch_str store_dir, cinch_str json, cinch_derivation** derivation_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_derivation_clone(const cinch_derivation* derivation,
                                              cinch_derivation** derivation_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_derivation_print_aterm(const cinch_derivation* derivation,
                                                    cinch_text** aterm_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_derivation_print_json(const cinch_derivation* derivation,
                                                   cinch_text** json_out) CINCH_NOEXCEPT;
/* What its attributes ask for: Nix's JSON of the options of derivations. */
CINCH_API cinch_error* cinch_derivation_print_options_json(const cinch_derivation* derivation,
                                                           cinch_text** json_out) CINCH_NOEXCEPT;
/* Closures that a builder is told about: an attribute of exportReferencesGraph. */
typedef struct cinch_references_graph {
  cinch_str attribute;
  const cinch_path_info* const* objects; /* closed under references */
  size_t objects_count;
} cinch_references_graph;

/* What its builder finds of structured attributes, `.attrs.json` and `.attrs.sh`; no texts if it
 * has none. `outputs` say where the builder is to write each output. */
CINCH_API cinch_error* cinch_derivation_print_attributes(const cinch_derivation* derivation,
                                                         const cinch_variable* outputs,
                                                         size_t outputs_count,
                                                         const cinch_references_graph* graphs,
                                                         size_t graphs_count, cinch_text** json_out,
                                                         cinch_text** shell_out) CINCH_NOEXCEPT;
/* Whether it keeps the rules that need nothing but itself. */
CINCH_API cinch_error* cinch_derivation_check(const cinch_derivation* derivation) CINCH_NOEXCEPT;
/* The path of its .drv file. */
CINCH_API cinch_error* cinch_derivation_path(const cinch_derivation* derivation,
                                             cinch_path** path_out) CINCH_NOEXCEPT;
CINCH_API cinch_str cinch_derivation_name(const cinch_derivation* derivation) CINCH_NOEXCEPT;
CINCH_API cinch_str cinch_derivation_system(const cinch_derivation* derivation) CINCH_NOEXCEPT;
CINCH_API cinch_str cinch_derivation_builder(const cinch_derivation* derivation) CINCH_NOEXCEPT;
CINCH_API size_t cinch_derivation_arguments_count(const cinch_derivation* derivation)
    CINCH_NOEXCEPT;
CINCH_API cinch_str cinch_derivation_argument_at(const cinch_derivation* derivation,
                                                 size_t index) CINCH_NOEXCEPT;
/* Sorted by name; values are bytes, not UTF-8. */
CINCH_API size_t cinch_derivation_variables_count(const cinch_derivation* derivation)
    CINCH_NOEXCEPT;
CINCH_API cinch_variable cinch_derivation_variable_at(const cinch_derivation* derivation,
                                                      size_t index) CINCH_NOEXCEPT;
/* Sorted by base name. */
CINCH_API size_t cinch_derivation_sources_count(const cinch_derivation* derivation) CINCH_NOEXCEPT;
CINCH_API const cinch_path* cinch_derivation_source_at(const cinch_derivation* derivation,
                                                       size_t index) CINCH_NOEXCEPT;
/* Input derivations, sorted by base name, and the outputs that are wanted of each. What is wanted
 * of outputs that are derivations themselves is in the JSON only. */
CINCH_API size_t cinch_derivation_inputs_count(const cinch_derivation* derivation) CINCH_NOEXCEPT;
CINCH_API const cinch_path* cinch_derivation_input_at(const cinch_derivation* derivation,
                                                      size_t index) CINCH_NOEXCEPT;
CINCH_API size_t cinch_derivation_input_outputs_count(const cinch_derivation* derivation,
                                                      size_t index) CINCH_NOEXCEPT;
CINCH_API cinch_str cinch_derivation_input_output_at(const cinch_derivation* derivation,
                                                     size_t index,
                                                     size_t output_index) CINCH_NOEXCEPT;
/* Names, and paths where they are known. */
CINCH_API const cinch_outputs* cinch_derivation_outputs(const cinch_derivation* derivation)
    CINCH_NOEXCEPT;
/* One of CINCH_OUTPUT_...; 0 behind the last one. */
CINCH_API uint32_t cinch_derivation_output_kind_at(const cinch_derivation* derivation,
                                                   size_t index) CINCH_NOEXCEPT;
/* Of a fixed output; NULL for others. */
CINCH_API const cinch_content_address* cinch_derivation_output_address_at(
    const cinch_derivation* derivation, size_t index) CINCH_NOEXCEPT;
/* Of a floating or impure output: CINCH_METHOD_... and the algorithm; 0 for others. */
CINCH_API uint32_t cinch_derivation_output_method_at(const cinch_derivation* derivation,
                                                     size_t index) CINCH_NOEXCEPT;
CINCH_API uint32_t cinch_derivation_output_algorithm_at(const cinch_derivation* derivation,
                                                        size_t index) CINCH_NOEXCEPT;
CINCH_API void cinch_derivation_free(cinch_derivation* derivation) CINCH_NOEXCEPT;

typedef struct cinch_derivation_file {
  cinch_str base_name; /* "<hash part>-<name>.drv" */
  cinch_str aterm;
} cinch_derivation_file;

/* Holds .drv files against each other: their names, output paths and reprints. The report is the
 * JSON of `cinch derivation check --json`. */
CINCH_API cinch_error* cinch_derivation_files_check(cinch_str store_dir,
                                                    const cinch_derivation_file* files,
                                                    size_t count,
                                                    cinch_text** report_out) CINCH_NOEXCEPT;

typedef struct cinch_derivations cinch_derivations; /* derivations by path */

/* What `derivation show` prints, or a plain object of paths to derivations. */
CINCH_API cinch_error* cinch_derivations_parse_json(
    cinch_str store_dir, cinch_str json, cinch_derivations** derivations_out) CINCH_NOEXCEPT;
/* The same for these paths and their derivations, of which there are as many. */
CINCH_API cinch_error* cinch_derivations_print_json(cinch_str store_dir,
                                                    const cinch_path* const* paths,
                                                    const cinch_derivation* const* derivations,
                                                    size_t count,
                                                    cinch_text** json_out) CINCH_NOEXCEPT;
CINCH_API size_t cinch_derivations_count(const cinch_derivations* derivations) CINCH_NOEXCEPT;
/* Sorted by path. */
CINCH_API const cinch_path* cinch_derivations_path_at(const cinch_derivations* derivations,
                                                      size_t index) CINCH_NOEXCEPT;
CINCH_API const cinch_derivation* cinch_derivations_at(const cinch_derivations* derivations,
                                                       size_t index) CINCH_NOEXCEPT;
CINCH_API void cinch_derivations_free(cinch_derivations* derivations) CINCH_NOEXCEPT;

/* Gives the derivation at a path, which the library takes over; leaves it NULL if there is none. */
typedef int32_t (*cinch_derivation_fn)(const cinch_path* path, cinch_derivation** derivation_out,
                                       void* payload);

/* Asks `read` for input derivations, at most once for each path: a graph takes linear time. */
CINCH_API cinch_error* cinch_derivation_hasher_new(
    cinch_str store_dir, cinch_derivation_fn read, void* payload,
    cinch_derivation_hasher** hasher_out) CINCH_NOEXCEPT;
/* The paths that the outputs should have; NULL in the list where that is not known yet. */
CINCH_API cinch_error* cinch_derivation_hasher_output_paths(
    cinch_derivation_hasher* hasher, const cinch_derivation* derivation,
    cinch_outputs** outputs_out) CINCH_NOEXCEPT;
/* Fills in the paths of deferred outputs, and the variables that are named like them. What getters
 * of the derivation have lent is not valid any more. */
CINCH_API cinch_error* cinch_derivation_hasher_fill_in(cinch_derivation_hasher* hasher,
                                                       cinch_derivation* derivation) CINCH_NOEXCEPT;
/* Whether all paths of outputs, and those variables, are what they should be. */
CINCH_API cinch_error* cinch_derivation_hasher_check(
    cinch_derivation_hasher* hasher, const cinch_derivation* derivation) CINCH_NOEXCEPT;
CINCH_API void cinch_derivation_hasher_free(cinch_derivation_hasher* hasher) CINCH_NOEXCEPT;

/* What stands for the path of an output before that is known. Without a derivation: an output of
 * the one that has the placeholder. With several outputs, each is one of the derivation that the
 * one before it is. */
CINCH_API cinch_error* cinch_placeholder(const cinch_path* derivation, const cinch_str* outputs,
                                         size_t outputs_count,
                                         cinch_text** text_out) CINCH_NOEXCEPT;

/* Gives the path that an output came out with, which the library takes over; leaves it NULL if that
 * is not known. */
typedef int32_t (*cinch_find_output_fn)(const cinch_path* derivation, cinch_str output,
                                        cinch_path** path_out, void* payload);

/* Whether it can only be built once it is resolved. */
CINCH_API bool cinch_derivation_needs_resolution(const cinch_derivation* derivation) CINCH_NOEXCEPT;
/* The derivation with outputs of its inputs in their place; NULL if one of these is not known. */
CINCH_API cinch_error* cinch_derivation_resolve(const cinch_derivation* derivation,
                                                cinch_find_output_fn find, void* payload,
                                                cinch_derivation** derivation_out) CINCH_NOEXCEPT;

/* ---- Deriving paths: what one can ask a store for, and which outputs are meant */

typedef struct cinch_output_spec cinch_output_spec;     /* all outputs, or some by name */
typedef struct cinch_deriving_path cinch_deriving_path; /* a path, or outputs of a derivation */

/* "*", "out,dev" */
CINCH_API cinch_error* cinch_output_spec_parse(cinch_str text,
                                               cinch_output_spec** spec_out) CINCH_NOEXCEPT;
CINCH_API cinch_str cinch_output_spec_text(const cinch_output_spec* spec) CINCH_NOEXCEPT;
CINCH_API bool cinch_output_spec_is_all(const cinch_output_spec* spec) CINCH_NOEXCEPT;
/* Names, sorted; none if all are meant. */
CINCH_API size_t cinch_output_spec_count(const cinch_output_spec* spec) CINCH_NOEXCEPT;
CINCH_API cinch_str cinch_output_spec_name_at(const cinch_output_spec* spec,
                                              size_t index) CINCH_NOEXCEPT;
CINCH_API bool cinch_output_spec_wants(const cinch_output_spec* spec,
                                       cinch_str output) CINCH_NOEXCEPT;
CINCH_API void cinch_output_spec_free(cinch_output_spec* spec) CINCH_NOEXCEPT;

/* "<path>", "<drv>^<outputs>", "<drv>^<output that is a derivation>^<outputs>" */
CINCH_API cinch_error* cinch_deriving_path_parse(cinch_str store_dir, cinch_str text,
                                                 cinch_deriving_path** path_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_deriving_path_parse_json(
    cinch_str store_dir, cinch_str json, cinch_deriving_path** path_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_deriving_path_print_json(const cinch_deriving_path* path,
                                                      cinch_text** json_out) CINCH_NOEXCEPT;
CINCH_API cinch_str cinch_deriving_path_text(const cinch_deriving_path* path) CINCH_NOEXCEPT;
/* The path, or the derivation that it begins with. */
CINCH_API const cinch_path* cinch_deriving_path_start(const cinch_deriving_path* path)
    CINCH_NOEXCEPT;
/* The outputs on the way, which are derivations themselves; usually none. */
CINCH_API size_t cinch_deriving_path_steps_count(const cinch_deriving_path* path) CINCH_NOEXCEPT;
CINCH_API cinch_str cinch_deriving_path_step_at(const cinch_deriving_path* path,
                                                size_t index) CINCH_NOEXCEPT;
/* NULL if the path itself is meant. */
CINCH_API const cinch_output_spec* cinch_deriving_path_outputs(const cinch_deriving_path* path)
    CINCH_NOEXCEPT;
CINCH_API void cinch_deriving_path_free(cinch_deriving_path* path) CINCH_NOEXCEPT;

/* ---- Signatures */

typedef struct cinch_secret_key cinch_secret_key;   /* wiped from memory when it is released */
typedef struct cinch_public_keys cinch_public_keys; /* keys of Nix: whom one trusts */
typedef struct cinch_guix_keys cinch_guix_keys;     /* keys of Guix */

CINCH_API cinch_error* cinch_secret_key_generate(cinch_str name,
                                                 cinch_secret_key** key_out) CINCH_NOEXCEPT;
/* The text of a key file: "<name>:<base64>", perhaps with blanks around it. */
CINCH_API cinch_error* cinch_secret_key_parse(cinch_str text,
                                              cinch_secret_key** key_out) CINCH_NOEXCEPT;
/* The text of the key, which nobody else may read. */
CINCH_API cinch_error* cinch_secret_key_print(const cinch_secret_key* key,
                                              cinch_text** text_out) CINCH_NOEXCEPT;
/* "<name>:<base64>", as trusted-public-keys lists it. */
CINCH_API cinch_error* cinch_secret_key_public_key(const cinch_secret_key* key,
                                                   cinch_text** text_out) CINCH_NOEXCEPT;
/* "<name>:<base64>": the signature of a message, such as a fingerprint. */
CINCH_API cinch_error* cinch_secret_key_sign(const cinch_secret_key* key, cinch_str message,
                                             cinch_text** signature_out) CINCH_NOEXCEPT;
CINCH_API void cinch_secret_key_free(cinch_secret_key* key) CINCH_NOEXCEPT;

/* Keys between blanks and newlines. */
CINCH_API cinch_error* cinch_public_keys_parse(cinch_str text,
                                               cinch_public_keys** keys_out) CINCH_NOEXCEPT;
CINCH_API size_t cinch_public_keys_count(const cinch_public_keys* keys) CINCH_NOEXCEPT;
/* "<name>:<base64>" */
CINCH_API cinch_str cinch_public_keys_at(const cinch_public_keys* keys,
                                         size_t index) CINCH_NOEXCEPT;
/* How many different keys of these have signed the message. */
CINCH_API cinch_error* cinch_public_keys_verify(const cinch_public_keys* keys, cinch_str message,
                                                const cinch_str* signatures,
                                                size_t signatures_count,
                                                size_t* valid_count_out) CINCH_NOEXCEPT;
CINCH_API void cinch_public_keys_free(cinch_public_keys* keys) CINCH_NOEXCEPT;

/* What comes of the signature of Guix. Closed. */
#define CINCH_GUIX_VALID 0
#define CINCH_GUIX_HASH_MISMATCH 1    /* it is one of another message */
#define CINCH_GUIX_INVALID 2          /* the key that it names has not made it */
#define CINCH_GUIX_UNAUTHORISED_KEY 3 /* that key is not among the trusted ones */

/* A public key, "(public-key ...)", or an access list, "(acl ...)". */
CINCH_API cinch_error* cinch_guix_keys_parse(cinch_str text,
                                             cinch_guix_keys** keys_out) CINCH_NOEXCEPT;
CINCH_API size_t cinch_guix_keys_count(const cinch_guix_keys* keys) CINCH_NOEXCEPT;
/* `signature` is an s-expression, "(signature ...)". */
CINCH_API cinch_error* cinch_guix_keys_verify(const cinch_guix_keys* keys, cinch_str message,
                                              cinch_str signature,
                                              uint32_t* verdict_out) CINCH_NOEXCEPT;
CINCH_API void cinch_guix_keys_free(cinch_guix_keys* keys) CINCH_NOEXCEPT;

/* ---- Path infos and narinfos as documents */

/* Nix's JSON of one object, in any of its formats (1 to 3); it does not say which path it is of. */
CINCH_API cinch_error* cinch_path_info_parse_json(const cinch_path* path, cinch_str json,
                                                  cinch_path_info** info_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_path_info_print_json(const cinch_path_info* info, uint32_t format,
                                                  cinch_text** json_out) CINCH_NOEXCEPT;
/* What signatures sign: "1;<path>;<NAR hash>;<NAR size>;<references>". */
CINCH_API cinch_error* cinch_path_info_fingerprint(const cinch_path_info* info,
                                                   cinch_text** text_out) CINCH_NOEXCEPT;
/* "<key name>:<base64>" */
CINCH_API cinch_error* cinch_path_info_add_signature(cinch_path_info* info,
                                                     cinch_str signature) CINCH_NOEXCEPT;
/* Whether the path is the one that content address, references and name give. */
CINCH_API bool cinch_path_info_is_content_addressed(const cinch_path_info* info) CINCH_NOEXCEPT;
/* For those that were parsed, not for those of a list or a narinfo. */
CINCH_API void cinch_path_info_free(cinch_path_info* info) CINCH_NOEXCEPT;
/* What `nix path-info --json` prints for many objects; those that are not valid are NULL. */
CINCH_API cinch_error* cinch_path_infos_parse_json(cinch_str store_dir, cinch_str json,
                                                   cinch_path_infos** infos_out) CINCH_NOEXCEPT;

typedef struct cinch_content_addresser cinch_content_addresser;

/* Writes the NAR of an object: calls `write` with pieces of it and `write_payload`, and returns
 * what that returns if it is not 0. */
typedef int32_t (*cinch_nar_fn)(cinch_write_fn write, void* write_payload, void* payload);

/* Makes content-addressed objects ("twins") of input-addressed ones. */
CINCH_API cinch_error* cinch_content_addresser_new(
    cinch_str store_dir, cinch_content_addresser** addresser_out) CINCH_NOEXCEPT;
/* What is known of the twin of an object; those that it refers to must have been added before. The
 * NAR is asked for twice. */
CINCH_API cinch_error* cinch_content_addresser_add(cinch_content_addresser* addresser,
                                                   const cinch_path_info* object, cinch_nar_fn nar,
                                                   void* payload,
                                                   cinch_path_info** twin_out) CINCH_NOEXCEPT;
/* The NAR of the twin of an object that was added. */
CINCH_API cinch_error* cinch_content_addresser_write(const cinch_content_addresser* addresser,
                                                     const cinch_path_info* object,
                                                     cinch_nar_fn nar, void* payload,
                                                     cinch_write_fn write,
                                                     void* write_payload) CINCH_NOEXCEPT;
CINCH_API void cinch_content_addresser_free(cinch_content_addresser* addresser) CINCH_NOEXCEPT;

typedef struct cinch_narinfo cinch_narinfo; /* what a binary cache says about one object */

#define CINCH_NARINFO_NIX 1
#define CINCH_NARINFO_GUIX 2

/* One compressed form of the NAR. */
typedef struct cinch_nar_download {
  uint32_t size; /* bytes of this structure; set by the library */
  uint32_t has_file_size;
  cinch_str url; /* absolute, or relative to the cache */
  cinch_str compression;
  cinch_str file_hash; /* SRI; empty: unknown */
  uint64_t file_size_bytes;
} cinch_nar_download;

CINCH_API cinch_error* cinch_narinfo_parse(cinch_str store_dir, cinch_str text,
                                           cinch_narinfo** narinfo_out) CINCH_NOEXCEPT;
/* As path infos, with "url", "compression", "downloadHash" and "downloadSize". */
CINCH_API cinch_error* cinch_narinfo_parse_json(const cinch_path* path, cinch_str json,
                                                cinch_narinfo** narinfo_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_narinfo_print(const cinch_narinfo* narinfo, uint32_t dialect,
                                           cinch_text** text_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_narinfo_print_json(const cinch_narinfo* narinfo, uint32_t format,
                                                cinch_text** json_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_narinfo_add_signature(cinch_narinfo* narinfo,
                                                   cinch_str signature) CINCH_NOEXCEPT;
CINCH_API const cinch_path_info* cinch_narinfo_info(const cinch_narinfo* narinfo) CINCH_NOEXCEPT;
CINCH_API size_t cinch_narinfo_downloads_count(const cinch_narinfo* narinfo) CINCH_NOEXCEPT;
CINCH_API const cinch_nar_download* cinch_narinfo_download_at(const cinch_narinfo* narinfo,
                                                              size_t index) CINCH_NOEXCEPT;
/* Lines that nobody knows, in their order. */
CINCH_API size_t cinch_narinfo_fields_count(const cinch_narinfo* narinfo) CINCH_NOEXCEPT;
CINCH_API cinch_variable cinch_narinfo_field_at(const cinch_narinfo* narinfo,
                                                size_t index) CINCH_NOEXCEPT;
/* Guix's signature, an s-expression, and what it is of; empty if there is none. */
CINCH_API cinch_str cinch_narinfo_guix_signature(const cinch_narinfo* narinfo) CINCH_NOEXCEPT;
CINCH_API cinch_str cinch_narinfo_guix_signed_text(const cinch_narinfo* narinfo) CINCH_NOEXCEPT;
CINCH_API void cinch_narinfo_free(cinch_narinfo* narinfo) CINCH_NOEXCEPT;

/* ---- Realisations: what an output of a content-addressed derivation came out as */

typedef struct cinch_realisation cinch_realisation;

/* Nix's JSON: the form of today, {"key", "value"}, or the one of before 2.35, {"id", "outPath"}. */
CINCH_API cinch_error* cinch_realisation_parse_json(
    cinch_str store_dir, cinch_str json, cinch_realisation** realisation_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_realisation_print_json(const cinch_realisation* realisation,
                                                    cinch_text** json_out) CINCH_NOEXCEPT;
/* "<derivation path>^<output>", or "sha256:<base16>!<output>" */
CINCH_API cinch_str cinch_realisation_id(const cinch_realisation* realisation) CINCH_NOEXCEPT;
CINCH_API const cinch_path* cinch_realisation_path(const cinch_realisation* realisation)
    CINCH_NOEXCEPT;
CINCH_API size_t cinch_realisation_signatures_count(const cinch_realisation* realisation)
    CINCH_NOEXCEPT;
CINCH_API cinch_str cinch_realisation_signature_at(const cinch_realisation* realisation,
                                                   size_t index) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_realisation_fingerprint(const cinch_realisation* realisation,
                                                     cinch_text** text_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_realisation_add_signature(cinch_realisation* realisation,
                                                       cinch_str signature) CINCH_NOEXCEPT;
CINCH_API void cinch_realisation_free(cinch_realisation* realisation) CINCH_NOEXCEPT;

/* ---- Build results as documents */

/* Nix's JSON, which does not say what was wanted: a deriving path. */
CINCH_API cinch_error* cinch_build_result_parse_json(
    cinch_str store_dir, cinch_str wanted, cinch_str json,
    cinch_build_result** result_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_build_result_print_json(const cinch_build_result* result,
                                                     cinch_text** json_out) CINCH_NOEXCEPT;
/* For those that were parsed, not for those of a list. */
CINCH_API void cinch_build_result_free(cinch_build_result* result) CINCH_NOEXCEPT;

/* ---- Configuration: caches, machines, URLs of stores, nix.conf */

typedef struct cinch_cache_info cinch_cache_info; /* the file nix-cache-info */

CINCH_API cinch_error* cinch_cache_info_parse(cinch_str text,
                                              cinch_cache_info** info_out) CINCH_NOEXCEPT;
/* Empty, NULL: it says nothing of that. */
CINCH_API cinch_error* cinch_cache_info_new(cinch_str store_dir, const bool* wants_mass_query,
                                            const int32_t* priority,
                                            cinch_cache_info** info_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_cache_info_print(const cinch_cache_info* info,
                                              cinch_text** text_out) CINCH_NOEXCEPT;
CINCH_API cinch_str cinch_cache_info_store_dir(const cinch_cache_info* info) CINCH_NOEXCEPT;
/* Both: whether it says so, and if, what. */
CINCH_API bool cinch_cache_info_wants_mass_query(const cinch_cache_info* info,
                                                 bool* wants_out) CINCH_NOEXCEPT;
CINCH_API bool cinch_cache_info_priority(const cinch_cache_info* info,
                                         int32_t* priority_out) CINCH_NOEXCEPT;
CINCH_API void cinch_cache_info_free(cinch_cache_info* info) CINCH_NOEXCEPT;

typedef struct cinch_machines cinch_machines; /* machines that build, and files that list more */

/* Lists are words with single spaces between them. */
typedef struct cinch_machine {
  uint32_t size;     /* bytes of this structure; set by the library */
  uint32_t jobs_max; /* builds at once */
  double speed_factor;
  cinch_str store_url;
  cinch_str systems;
  cinch_str ssh_key; /* a file; empty: the usual ones */
  cinch_str supported_features;
  cinch_str mandatory_features;
  cinch_str ssh_host_key; /* base64; may be empty */
  cinch_str line;         /* the machine as a line of a machines file */
} cinch_machine;

/* `default_systems` are words: what a machine builds that does not say it. */
CINCH_API cinch_error* cinch_machines_parse(cinch_str text, cinch_str default_systems,
                                            cinch_machines** machines_out) CINCH_NOEXCEPT;
CINCH_API size_t cinch_machines_count(const cinch_machines* machines) CINCH_NOEXCEPT;
CINCH_API const cinch_machine* cinch_machines_at(const cinch_machines* machines,
                                                 size_t index) CINCH_NOEXCEPT;
/* Files that are to be read in the same way ("@<file>"); the library does not. */
CINCH_API size_t cinch_machines_files_count(const cinch_machines* machines) CINCH_NOEXCEPT;
CINCH_API cinch_str cinch_machines_file_at(const cinch_machines* machines,
                                           size_t index) CINCH_NOEXCEPT;
CINCH_API void cinch_machines_free(cinch_machines* machines) CINCH_NOEXCEPT;

typedef struct cinch_store_reference cinch_store_reference; /* a store's URL, taken apart */

CINCH_API cinch_error* cinch_store_reference_parse(
    cinch_str url, cinch_store_reference** reference_out) CINCH_NOEXCEPT;
CINCH_API cinch_error* cinch_store_reference_new(
    cinch_str scheme, cinch_str authority, const cinch_variable* parameters,
    size_t parameters_count, cinch_store_reference** reference_out) CINCH_NOEXCEPT;
/* The URL, in Nix's spelling. */
CINCH_API cinch_str cinch_store_reference_url(const cinch_store_reference* reference)
    CINCH_NOEXCEPT;
CINCH_API cinch_str cinch_store_reference_scheme(const cinch_store_reference* reference)
    CINCH_NOEXCEPT;
CINCH_API cinch_str cinch_store_reference_authority(const cinch_store_reference* reference)
    CINCH_NOEXCEPT;
/* Sorted by name, decoded. */
CINCH_API size_t cinch_store_reference_parameters_count(const cinch_store_reference* reference)
    CINCH_NOEXCEPT;
CINCH_API cinch_variable cinch_store_reference_parameter_at(const cinch_store_reference* reference,
                                                            size_t index) CINCH_NOEXCEPT;
CINCH_API void cinch_store_reference_free(cinch_store_reference* reference) CINCH_NOEXCEPT;

typedef struct cinch_config cinch_config; /* the lines of nix.conf, with those of included files */

/* Who knows a setting. Closed. */
#define CINCH_SETTING_UNKNOWN 0 /* nobody */
#define CINCH_SETTING_KNOWN 1   /* this library */
#define CINCH_SETTING_FOREIGN 2 /* Nix; it has no meaning here */

typedef struct cinch_config_line {
  uint32_t size;    /* bytes of this structure; set by the library */
  uint32_t meaning; /* one of CINCH_SETTING_... */
  cinch_str name;
  cinch_str value;      /* words with single spaces between them */
  cinch_str file;       /* where it stands */
  uint32_t line_number; /* from 1 */
  uint32_t reserved;    /* 0 */
} cinch_config_line;

/* Gives the text of an included file, which the library takes over; leaves it NULL if that cannot
 * be opened. */
typedef int32_t (*cinch_read_file_fn)(cinch_str file_name, cinch_text** text_out, void* payload);

CINCH_API cinch_error* cinch_config_parse(cinch_str text, cinch_str file_name,
                                          cinch_read_file_fn read, void* payload,
                                          cinch_config** config_out) CINCH_NOEXCEPT;
CINCH_API size_t cinch_config_count(const cinch_config* config) CINCH_NOEXCEPT;
CINCH_API const cinch_config_line* cinch_config_at(const cinch_config* config,
                                                   size_t index) CINCH_NOEXCEPT;
/* Whether the values of all known settings are of their types. */
CINCH_API cinch_error* cinch_config_check(const cinch_config* config) CINCH_NOEXCEPT;
CINCH_API void cinch_config_free(cinch_config* config) CINCH_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif
