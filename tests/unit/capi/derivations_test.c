/* Derivations, their hashes and resolution, and deriving paths, from C; the answers are Nix's. */
#include "check.h"

#include <cinch.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(cinch_variable) == 32, "cinch_variable");
_Static_assert(CINCH_OUTPUT_INPUT_ADDRESSED == 1 && CINCH_OUTPUT_IMPURE == 5, "outputs");

#define HASH_PART "3x7dwzq014bblazs7kq20p9hyzz0qh8g"
#define X_DRV "mh3rz2qzm0lrcxk22g2b1kifak7q2nj9-x.drv"
#define X_OUT "/nix/store/zr2knphxg8yyy2mkq8akf2hfknjvdiz7-x"
#define Y_OUT "/nix/store/s9sjkf9j4dgp6qqi56kaj629k35pfh46-y"
#define Y_DEV "/nix/store/7ipfz2ny6i81a03gpy97kh8iv8k0g5ff-y-dev"

static const char x_text[] =
    "Derive([(\"out\",\"" X_OUT
    "\",\"\",\"\")],[],[],\"x86_64-linux\",\"/bin/sh\",[\"-c\",\"echo hi > $out\"],"
    "[(\"builder\",\"/bin/sh\"),(\"name\",\"x\"),(\"out\",\"" X_OUT
    "\"),(\"system\",\"x86_64-linux\")])";

/* Its outputs are to be filled in. */
static const char y_json[] =
    "{\"name\": \"y\", \"version\": 4, \"system\": \"x86_64-linux\", \"builder\": \"/bin/sh\","
    " \"args\": [], \"env\": {\"builder\": \"/bin/sh\", \"dev\": \"\", \"input\": \"" X_OUT
    "\", \"name\": \"y\", \"out\": \"\", \"outputs\": \"out dev\", \"system\": \"x86_64-linux\"},"
    " \"outputs\": {\"out\": {}, \"dev\": {}}, \"inputs\": {\"srcs\": [], \"drvs\": {\"" X_DRV
    "\": {\"outputs\": [\"out\"], \"dynamicOutputs\": {}}}}}";

static const char floating_json[] =
    "{\"name\": \"f\", \"version\": 4, \"system\": \"s\", \"builder\": \"/bin/sh\", \"args\": [],"
    " \"env\": {\"preferLocalBuild\": \"1\"}, \"inputs\": {\"srcs\": [\"" HASH_PART
    "-src\"], \"drvs\": {\"" X_DRV
    "\": {\"outputs\": [\"out\"], \"dynamicOutputs\": {}}}},"
    " \"outputs\": {\"out\": {\"method\": \"nar\", \"hashAlgo\": \"sha256\"}}}";

static const char fixed_text[] =
    "Derive([(\"out\",\"/nix/store/iixxin28s82lrxs8v4lcf7nha2dkwprm-hello.txt\",\"sha256\","
    "\"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\")],[],[],\"s\",\"b\",[],"
    "[])";

static cinch_derivation* parse_x(void) {
  cinch_derivation* x = NULL;
  CHECK_CODE(cinch_derivation_parse_aterm(STORE, CINCH_STR("x"), CINCH_STR(x_text), &x), CINCH_OK);
  return x;
}

static cinch_derivation* parse_json(const char* json) {
  cinch_derivation* derivation = NULL;
  CHECK_CODE(cinch_derivation_parse_json(STORE, CINCH_STR(json), &derivation), CINCH_OK);
  return derivation;
}

static void test_getters(void) {
  cinch_derivation* x = parse_x();
  cinch_derivation* copy = NULL;
  cinch_text* text = NULL;
  cinch_path* path = NULL;
  cinch_variable variable;
  CHECK(is(cinch_derivation_name(x), "x"));
  CHECK(is(cinch_derivation_system(x), "x86_64-linux"));
  CHECK(is(cinch_derivation_builder(x), "/bin/sh"));
  CHECK(cinch_derivation_arguments_count(x) == 2);
  CHECK(is(cinch_derivation_argument_at(x, 1), "echo hi > $out"));
  CHECK(is(cinch_derivation_argument_at(x, 2), ""));
  CHECK(cinch_derivation_variables_count(x) == 4);
  variable = cinch_derivation_variable_at(x, 2);
  CHECK(is(variable.name, "out") && is(variable.value, X_OUT));
  CHECK(is(cinch_derivation_variable_at(x, 4).name, ""));
  CHECK(cinch_derivation_inputs_count(x) == 0 && cinch_derivation_input_at(x, 0) == NULL);
  CHECK(cinch_derivation_sources_count(x) == 0 && cinch_derivation_source_at(x, 0) == NULL);
  CHECK(cinch_outputs_count(cinch_derivation_outputs(x)) == 1);
  CHECK(is(cinch_path_text(cinch_outputs_path_at(cinch_derivation_outputs(x), 0)), X_OUT));
  CHECK(cinch_derivation_output_kind_at(x, 0) == CINCH_OUTPUT_INPUT_ADDRESSED);
  CHECK(cinch_derivation_output_kind_at(x, 1) == 0);
  CHECK(cinch_derivation_output_address_at(x, 0) == NULL);
  CHECK_CODE(cinch_derivation_check(x), CINCH_OK);
  CHECK_CODE(cinch_derivation_path(x, &path), CINCH_OK);
  CHECK(is(cinch_path_base_name(path), X_DRV));
  CHECK_CODE(cinch_derivation_clone(x, &copy), CINCH_OK);
  cinch_derivation_free(x);
  CHECK(is(cinch_derivation_variable_at(copy, 1).value, "x"));
  CHECK_CODE(cinch_derivation_print_aterm(copy, &text), CINCH_OK);
  CHECK(text_is(text, x_text));
  CHECK_CODE(cinch_derivation_print_json(copy, &text), CINCH_OK);
  x = parse_json(cinch_text_str(text).data);
  cinch_text_free(text);
  CHECK_CODE(cinch_derivation_print_aterm(x, &text), CINCH_OK);
  CHECK(text_is(text, x_text));
  cinch_path_free(path);
  cinch_derivation_free(x);
  cinch_derivation_free(copy);
  cinch_derivation_free(NULL);
}

static void test_kinds_of_outputs(void) {
  cinch_derivation* floating = parse_json(floating_json);
  cinch_derivation* fixed = NULL;
  cinch_text* text = NULL;
  CHECK(cinch_derivation_output_kind_at(floating, 0) == CINCH_OUTPUT_FLOATING);
  CHECK(cinch_derivation_output_method_at(floating, 0) == CINCH_METHOD_NAR);
  CHECK(cinch_derivation_output_algorithm_at(floating, 0) == CINCH_SHA256);
  CHECK(cinch_derivation_output_method_at(floating, 1) == 0);
  CHECK(cinch_outputs_path_at(cinch_derivation_outputs(floating), 0) == NULL);
  CHECK(cinch_derivation_sources_count(floating) == 1);
  CHECK(is(cinch_path_name(cinch_derivation_source_at(floating, 0)), "src"));
  CHECK(cinch_derivation_inputs_count(floating) == 1);
  CHECK(is(cinch_path_base_name(cinch_derivation_input_at(floating, 0)), X_DRV));
  CHECK(cinch_derivation_input_outputs_count(floating, 0) == 1);
  CHECK(cinch_derivation_input_outputs_count(floating, 1) == 0);
  CHECK(is(cinch_derivation_input_output_at(floating, 0, 0), "out"));
  CHECK(is(cinch_derivation_input_output_at(floating, 1, 0), ""));
  CHECK(cinch_derivation_needs_resolution(floating));
  CHECK_CODE(cinch_derivation_print_options_json(floating, &text), CINCH_OK);
  CHECK(strstr(cinch_text_str(text).data, "\"preferLocalBuild\": true") != NULL);
  cinch_text_free(text);
  cinch_derivation_free(floating);

  CHECK_CODE(
      cinch_derivation_parse_aterm(STORE, CINCH_STR("hello.txt"), CINCH_STR(fixed_text), &fixed),
      CINCH_OK);
  CHECK(cinch_derivation_output_kind_at(fixed, 0) == CINCH_OUTPUT_FIXED);
  CHECK(is(cinch_content_address_text(cinch_derivation_output_address_at(fixed, 0)),
           "fixed:sha256:094qif9n4cq4fdg459qzbhg1c6wywawwaaivx0k0x8xhbyx4vwic"));
  CHECK(!cinch_derivation_needs_resolution(fixed));
  cinch_derivation_free(fixed);
}

static void test_refusals(void) {
  cinch_derivation* derivation = NULL;
  cinch_error* error =
      cinch_derivation_parse_aterm(STORE, CINCH_STR("x"), CINCH_STR("Derive([oops"), &derivation);
  uint64_t offset = 0;
  CHECK(error != NULL && cinch_error_code(error) == CINCH_MALFORMED);
  CHECK(cinch_error_offset(error, &offset) && offset == 8);
  cinch_error_free(error);
  CHECK_CODE(cinch_derivation_parse_aterm(STORE, WITH_NUL, CINCH_STR(x_text), &derivation),
             CINCH_MALFORMED);
  CHECK_CODE(cinch_derivation_parse_aterm(STORE, CINCH_STR("x"), WITH_NUL, &derivation),
             CINCH_MALFORMED);
  CHECK_CODE(cinch_derivation_parse_aterm(STORE, CINCH_STR("x"), NOWHERE, &derivation),
             CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_derivation_parse_json(STORE, WITH_NUL, &derivation), CINCH_MALFORMED);
  CHECK_CODE(cinch_derivation_parse_json(STORE, CINCH_STR("{}"), NULL), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_derivation_check(NULL), CINCH_INVALID_ARGUMENT);
  CHECK(derivation == NULL);
}

/* Knows x. */
struct known {
  unsigned asked;
  int32_t answer;
  const char* store_dir;
};

static int32_t read_x(const cinch_path* path, cinch_derivation** derivation_out, void* payload) {
  struct known* known = payload;
  ++known->asked;
  if (is(cinch_path_base_name(path), X_DRV)) {
    cinch_error_free(cinch_derivation_parse_aterm(CINCH_STR(known->store_dir), CINCH_STR("x"),
                                                  CINCH_STR(x_text), derivation_out));
  }
  return known->answer;
}

static void test_hasher(void) {
  struct known known = {0, 0, "/nix/store"};
  cinch_derivation* y = parse_json(y_json);
  cinch_derivation* again = parse_json(y_json);
  cinch_derivation_hasher* hasher = NULL;
  cinch_outputs* outputs = NULL;
  cinch_path* path = NULL;
  CHECK_CODE(cinch_derivation_hasher_new(STORE, read_x, &known, &hasher), CINCH_OK);
  CHECK_CODE(cinch_derivation_hasher_output_paths(hasher, y, &outputs), CINCH_OK);
  CHECK(cinch_outputs_count(outputs) == 2);
  CHECK(is(cinch_path_text(cinch_outputs_path_at(outputs, 0)), Y_DEV));
  CHECK(is(cinch_path_text(cinch_outputs_path_at(outputs, 1)), Y_OUT));
  cinch_outputs_free(outputs);
  CHECK_CODE(cinch_derivation_hasher_check(hasher, y), CINCH_INVALID_DERIVATION);
  CHECK_CODE(cinch_derivation_hasher_fill_in(hasher, y), CINCH_OK);
  CHECK_CODE(cinch_derivation_hasher_fill_in(hasher, again), CINCH_OK);
  CHECK(known.asked == 1);
  CHECK_CODE(cinch_derivation_hasher_check(hasher, y), CINCH_OK);
  CHECK(cinch_derivation_output_kind_at(y, 0) == CINCH_OUTPUT_INPUT_ADDRESSED);
  CHECK(is(cinch_derivation_variable_at(y, 4).value, Y_OUT));
  CHECK_CODE(cinch_derivation_path(y, &path), CINCH_OK);
  CHECK(is(cinch_path_base_name(path), "q26g4wvrgf9pbjd94zah49chd31f9q99-y.drv"));
  cinch_path_free(path);
  cinch_derivation_hasher_free(hasher);
  cinch_derivation_free(y);
  cinch_derivation_free(again);
}

/* What the function says of y, with these answers to its questions. */
static uint32_t fill_in_with(struct known known, const char* store_dir, const char* json) {
  cinch_derivation* y = parse_json(json);
  cinch_derivation_hasher* hasher = NULL;
  cinch_error* error;
  uint32_t code;
  CHECK_CODE(cinch_derivation_hasher_new(CINCH_STR(store_dir), read_x, &known, &hasher), CINCH_OK);
  error = cinch_derivation_hasher_fill_in(hasher, y);
  code = error == NULL ? CINCH_OK : cinch_error_code(error);
  cinch_error_free(error);
  CHECK(cinch_derivation_output_kind_at(y, 0) == CINCH_OUTPUT_DEFERRED);
  cinch_derivation_hasher_free(hasher);
  cinch_derivation_free(y);
  return code;
}

static void test_hasher_refuses(void) {
  static const char unknown_input[] =
      "{\"name\": \"y\", \"version\": 4, \"system\": \"s\", \"builder\": \"b\", \"args\": [],"
      " \"env\": {}, \"outputs\": {\"out\": {}}, \"inputs\": {\"srcs\": [], \"drvs\": {\"" HASH_PART
      "-z.drv\": {\"outputs\": [\"out\"], \"dynamicOutputs\": {}}}}}";
  const struct known stops = {0, 1, "/nix/store"};
  const struct known knows = {0, 0, "/nix/store"};
  const struct known elsewhere = {0, 0, "/gnu/store"};
  cinch_derivation_hasher* hasher = NULL;
  CHECK(fill_in_with(stops, "/nix/store", y_json) == CINCH_CANCELLED);
  CHECK(fill_in_with(knows, "/nix/store", unknown_input) == CINCH_NOT_FOUND);
  CHECK(fill_in_with(knows, "/gnu/store", y_json) == CINCH_INVALID_ARGUMENT);
  /* The callback's text has paths of another store, so that it gives nothing. */
  CHECK(fill_in_with(elsewhere, "/nix/store", y_json) == CINCH_NOT_FOUND);
  CHECK_CODE(cinch_derivation_hasher_new(STORE, NULL, NULL, &hasher), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_derivation_hasher_new(WITH_NUL, read_x, NULL, &hasher), CINCH_MALFORMED);
  CHECK_CODE(cinch_derivation_hasher_fill_in(NULL, NULL), CINCH_INVALID_ARGUMENT);
  CHECK(hasher == NULL);
  cinch_derivation_hasher_free(NULL);
}

static void test_documents(void) {
  cinch_derivation* x = parse_x();
  cinch_path* path = NULL;
  cinch_text* json = NULL;
  cinch_text* text = NULL;
  cinch_derivations* derivations = NULL;
  CHECK_CODE(cinch_derivation_path(x, &path), CINCH_OK);
  const cinch_path* const paths[] = {path, path};
  const cinch_derivation* const values[] = {x, x};
  CHECK_CODE(cinch_derivations_print_json(STORE, paths, values, 1, &json), CINCH_OK);
  CHECK_CODE(cinch_derivations_parse_json(STORE, cinch_text_str(json), &derivations), CINCH_OK);
  CHECK(cinch_derivations_count(derivations) == 1);
  CHECK(is(cinch_path_base_name(cinch_derivations_path_at(derivations, 0)), X_DRV));
  CHECK(cinch_derivations_path_at(derivations, 1) == NULL);
  CHECK(cinch_derivations_at(derivations, 1) == NULL);
  CHECK(is(cinch_derivation_variable_at(cinch_derivations_at(derivations, 0), 1).value, "x"));
  CHECK_CODE(cinch_derivation_print_aterm(cinch_derivations_at(derivations, 0), &text), CINCH_OK);
  CHECK(text_is(text, x_text));
  cinch_derivations_free(derivations);
  cinch_text_free(json);
  json = NULL;
  derivations = NULL;
  CHECK_CODE(cinch_derivations_print_json(STORE, paths, values, 2, &json), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_derivations_print_json(STORE, paths, NULL, 1, &json), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_derivations_parse_json(STORE, WITH_NUL, &derivations), CINCH_MALFORMED);
  CHECK_CODE(cinch_derivations_parse_json(STORE, CINCH_STR("{}"), NULL), CINCH_INVALID_ARGUMENT);
  CHECK(json == NULL && derivations == NULL);
  cinch_derivations_free(NULL);
  cinch_path_free(path);
  cinch_derivation_free(x);
}

static void test_placeholders(void) {
  const cinch_str outputs[] = {CINCH_STR("out"), CINCH_STR("out")};
  cinch_path* path = NULL;
  cinch_path* no_derivation = NULL;
  cinch_text* text = NULL;
  /* As hashPlaceholder "out" of Nix. */
  CHECK_CODE(cinch_placeholder(NULL, outputs, 1, &text), CINCH_OK);
  CHECK(text_is(text, "/1rz4g4znpzjwh1xymhjpm42vipw92pr73vdgl6xs1hycac8kf2n9"));
  CHECK_CODE(cinch_path_from_base_name(STORE, CINCH_STR(X_DRV), &path), CINCH_OK);
  CHECK_CODE(cinch_placeholder(path, outputs, 1, &text), CINCH_OK);
  CHECK(cinch_text_str(text).size == 53);
  cinch_text_free(text);
  CHECK_CODE(cinch_placeholder(path, outputs, 2, &text), CINCH_OK);
  CHECK(cinch_text_str(text).size == 53);
  cinch_text_free(text);
  text = NULL;
  CHECK_CODE(cinch_path_from_base_name(STORE, CINCH_STR(HASH_PART "-x"), &no_derivation), CINCH_OK);
  CHECK_CODE(cinch_placeholder(no_derivation, outputs, 1, &text), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_placeholder(NULL, outputs, 2, &text), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_placeholder(path, outputs, 0, &text), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_placeholder(path, NULL, 1, &text), CINCH_INVALID_ARGUMENT);
  CHECK(text == NULL);
  cinch_path_free(path);
  cinch_path_free(no_derivation);
}

static int32_t find_output(const cinch_path* derivation, cinch_str output, cinch_path** path_out,
                           void* payload) {
  const struct known* known = payload;
  if (known->store_dir != NULL && is(cinch_path_base_name(derivation), X_DRV) &&
      is(output, "out")) {
    cinch_error_free(cinch_path_parse(STORE, CINCH_STR(X_OUT), path_out));
  }
  return known->answer;
}

static void test_resolution(void) {
  struct known known = {0, 0, "/nix/store"};
  cinch_derivation* floating = parse_json(floating_json);
  cinch_derivation* resolved = NULL;
  CHECK_CODE(cinch_derivation_resolve(floating, find_output, &known, &resolved), CINCH_OK);
  CHECK(resolved != NULL && cinch_derivation_inputs_count(resolved) == 0);
  CHECK(cinch_derivation_sources_count(resolved) == 2);
  CHECK(!cinch_derivation_needs_resolution(resolved));
  cinch_derivation_free(resolved);
  known.store_dir = NULL;
  CHECK_CODE(cinch_derivation_resolve(floating, find_output, &known, &resolved), CINCH_OK);
  CHECK(resolved == NULL);
  known.answer = 1;
  CHECK_CODE(cinch_derivation_resolve(floating, find_output, &known, &resolved), CINCH_CANCELLED);
  CHECK_CODE(cinch_derivation_resolve(floating, NULL, NULL, &resolved), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_derivation_resolve(NULL, find_output, &known, &resolved),
             CINCH_INVALID_ARGUMENT);
  cinch_derivation_free(floating);
}

static void test_deriving_paths(void) {
  cinch_deriving_path* path = NULL;
  cinch_deriving_path* again = NULL;
  cinch_output_spec* spec = NULL;
  cinch_text* json = NULL;
  const char* text = "/nix/store/" X_DRV "^a^dev,out";
  CHECK_CODE(cinch_deriving_path_parse(STORE, CINCH_STR(text), &path), CINCH_OK);
  CHECK(is(cinch_deriving_path_text(path), text));
  CHECK(is(cinch_path_base_name(cinch_deriving_path_start(path)), X_DRV));
  CHECK(cinch_deriving_path_steps_count(path) == 1);
  CHECK(is(cinch_deriving_path_step_at(path, 0), "a"));
  CHECK(is(cinch_deriving_path_step_at(path, 1), ""));
  CHECK(is(cinch_output_spec_text(cinch_deriving_path_outputs(path)), "dev,out"));
  CHECK_CODE(cinch_deriving_path_print_json(path, &json), CINCH_OK);
  CHECK_CODE(cinch_deriving_path_parse_json(STORE, cinch_text_str(json), &again), CINCH_OK);
  CHECK(is(cinch_deriving_path_text(again), text));
  cinch_text_free(json);
  cinch_deriving_path_free(again);
  cinch_deriving_path_free(path);
  CHECK_CODE(cinch_deriving_path_parse(STORE, CINCH_STR(X_OUT), &path), CINCH_OK);
  CHECK(cinch_deriving_path_outputs(path) == NULL && cinch_deriving_path_steps_count(path) == 0);
  cinch_deriving_path_free(path);
  path = NULL;
  CHECK_CODE(cinch_deriving_path_parse(STORE, WITH_NUL, &path), CINCH_MALFORMED);
  CHECK_CODE(cinch_deriving_path_parse_json(STORE, CINCH_STR("3"), &path), CINCH_MALFORMED);
  CHECK_CODE(cinch_deriving_path_parse(STORE, CINCH_STR(text), NULL), CINCH_INVALID_ARGUMENT);
  CHECK(path == NULL);
  cinch_deriving_path_free(NULL);

  CHECK_CODE(cinch_output_spec_parse(CINCH_STR("out,dev"), &spec), CINCH_OK);
  CHECK(!cinch_output_spec_is_all(spec) && cinch_output_spec_count(spec) == 2);
  CHECK(is(cinch_output_spec_name_at(spec, 0), "dev"));
  CHECK(is(cinch_output_spec_name_at(spec, 2), ""));
  CHECK(cinch_output_spec_wants(spec, CINCH_STR("out")));
  CHECK(!cinch_output_spec_wants(spec, CINCH_STR("doc")));
  CHECK(!cinch_output_spec_wants(spec, NOWHERE));
  cinch_output_spec_free(spec);
  CHECK_CODE(cinch_output_spec_parse(CINCH_STR("*"), &spec), CINCH_OK);
  CHECK(cinch_output_spec_is_all(spec) && cinch_output_spec_wants(spec, CINCH_STR("x")));
  cinch_output_spec_free(spec);
  spec = NULL;
  CHECK_CODE(cinch_output_spec_parse(WITH_NUL, &spec), CINCH_MALFORMED);
  CHECK_CODE(cinch_output_spec_parse(CINCH_STR("*"), NULL), CINCH_INVALID_ARGUMENT);
  CHECK(spec == NULL);
  cinch_output_spec_free(NULL);
}

static void test_attributes(void) {
  static const char structured_json[] =
      "{\"name\":\"s\",\"version\":4,\"outputs\":{\"out\":{\"method\":\"nar\",\"hashAlgo\":"
      "\"sha256\"}},"
      "\"inputs\":{\"srcs\":[],\"drvs\":{}},\"system\":\"x86_64-linux\",\"builder\":\"/bin/sh\","
      "\"args\":[],\"env\":{},\"structuredAttrs\":{\"list\":[\"a\",1],\"deep\":[[1]]}}";
  cinch_derivation* structured = parse_json(structured_json);
  const cinch_variable outputs[] = {{{"out", 3}, {X_OUT, sizeof(X_OUT) - 1}}};
  const cinch_path_info* const nothing[] = {NULL};
  cinch_references_graph graph = {{"closure", 7}, NULL, 0};
  cinch_text* json = NULL;
  cinch_text* shell = NULL;
  CHECK_CODE(cinch_derivation_print_attributes(structured, outputs, 1, &graph, 1, &json, &shell),
             CINCH_OK);
  CHECK(text_is(json,
                "{\"closure\":[],\"deep\":[[1]],\"list\":[\"a\",1],"
                "\"outputs\":{\"out\":\"" X_OUT "\"}}"));
  CHECK(text_is(shell,
                "declare -a closure=()\ndeclare -a list=('a' 1 )\n"
                "declare -A outputs=(['out']='" X_OUT "' )\n"));
  json = shell = NULL;
  graph.objects = nothing;
  graph.objects_count = 1;
  CHECK_CODE(cinch_derivation_print_attributes(structured, outputs, 1, &graph, 1, &json, &shell),
             CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_derivation_print_attributes(structured, NULL, 1, NULL, 0, &json, &shell),
             CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_derivation_print_attributes(structured, NULL, 0, NULL, 0, NULL, &shell),
             CINCH_INVALID_ARGUMENT);
  CHECK(json == NULL && shell == NULL);
  cinch_derivation_free(structured);

  structured = parse_x(); /* which has no structured attributes */
  CHECK_CODE(cinch_derivation_print_attributes(structured, NULL, 0, NULL, 0, &json, &shell),
             CINCH_OK);
  CHECK(json == NULL && shell == NULL);
  cinch_derivation_free(structured);
}

static void test_files(void) {
  const cinch_derivation_file files[] = {
      {{X_DRV, sizeof(X_DRV) - 1}, {x_text, sizeof(x_text) - 1}},
      {{"notes.txt", 9}, {"words", 5}},
  };
  cinch_text* report = NULL;
  CHECK_CODE(cinch_derivation_files_check(STORE, files, 1, &report), CINCH_OK);
  CHECK(text_is(report,
                "{\"files\":1,\"mismatches\":[],\"outputsRight\":1,\"pathsRight\":1,"
                "\"reprintsRight\":1}"));
  CHECK_CODE(cinch_derivation_files_check(STORE, files, 2, &report), CINCH_OK);
  CHECK(strstr(cinch_text_str(report).data, "\"file\":\"notes.txt\"") != NULL);
  cinch_text_free(report);
  report = NULL;
  CHECK_CODE(cinch_derivation_files_check(STORE, NULL, 1, &report), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_derivation_files_check(NOWHERE, files, 1, &report), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_derivation_files_check(STORE, files, 1, NULL), CINCH_INVALID_ARGUMENT);
  CHECK(report == NULL);
}

int main(void) {
  test_getters();
  test_kinds_of_outputs();
  test_attributes();
  test_files();
  test_refusals();
  test_hasher();
  test_hasher_refuses();
  test_documents();
  test_placeholders();
  test_resolution();
  test_deriving_paths();
  return checks_failed > 0;
}
