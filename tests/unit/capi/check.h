/* What the tests of the C interface share: checks that count, and comparisons of texts. */
#ifndef CINCH_TESTS_CHECK_H
#define CINCH_TESTS_CHECK_H

#include <cinch.h>
#include <stdio.h>
#include <string.h>

#define STORE CINCH_STR("/nix/store")

/* Texts that no function may take. */
#define NOWHERE ((cinch_str){NULL, 3})
#define WITH_NUL ((cinch_str){"a\0b", 3})

static int checks_failed;

static void check(int holds, const char* what, const char* file, int line) {
  if (holds) return;
  fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
  ++checks_failed;
}
#define CHECK(condition) check((condition) ? 1 : 0, #condition, __FILE__, __LINE__)

static int is(cinch_str text, const char* expected) {
  return text.size == strlen(expected) && memcmp(text.data, expected, text.size) == 0;
}

/* The code of an error, which it frees; prints errors that nobody expects. */
static uint32_t code_of(cinch_error* error, uint32_t expected) {
  uint32_t code = error == NULL ? CINCH_OK : cinch_error_code(error);
  if (code != expected && error != NULL) fprintf(stderr, "%s\n", cinch_error_text(error).data);
  cinch_error_free(error);
  return code;
}
#define CHECK_CODE(call, expected) CHECK(code_of((call), (expected)) == (expected))

/* Whether there is a text and it is the expected one; frees it. */
static inline int text_is(cinch_text* text, const char* expected) {
  int same = text != NULL && is(cinch_text_str(text), expected);
  if (!same && text != NULL) fprintf(stderr, "got: %s\n", cinch_text_str(text).data);
  cinch_text_free(text);
  return same;
}

#endif
