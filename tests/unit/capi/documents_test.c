/* Signatures, path infos, narinfos, realisations, build results and configuration, from C. */
#include "check.h"

#include <cinch.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(cinch_nar_download) == 64, "cinch_nar_download");
_Static_assert(offsetof(cinch_nar_download, file_size_bytes) == 56, "file_size_bytes");
_Static_assert(sizeof(cinch_machine) == 128, "cinch_machine");
_Static_assert(offsetof(cinch_machine, line) == 112, "line");
_Static_assert(sizeof(cinch_config_line) == 64, "cinch_config_line");
_Static_assert(CINCH_GUIX_VALID == 0 && CINCH_GUIX_UNAUTHORISED_KEY == 3, "verdicts");
_Static_assert(CINCH_NARINFO_NIX == 1 && CINCH_NARINFO_GUIX == 2, "dialects");
_Static_assert(CINCH_SETTING_UNKNOWN == 0 && CINCH_SETTING_FOREIGN == 2, "settings");

#define HASH_PART "sbldylj3clbkc0aqvjjzfa6slp4zdvlj"

static const char narinfo_text[] =
    "StorePath: /nix/store/" HASH_PART
    "-hello-2.12.1\n"
    "URL: nar/x.nar.xz\n"
    "Compression: xz\n"
    "FileHash: sha256:1lr187v6dck1rjh2j6svpikcfz53wyl3qrlcbb405zlh13x0khhh\n"
    "FileSize: 50088\n"
    "NarHash: sha256:1pj7swf7dl5z165j08n7vjgj9mvvrz3f878avc96lyxk3zjzfl6r\n"
    "NarSize: 226560\n"
    "References: vnwdak3n1w2jjil119j65k8mw1z23p84-glibc-2.35-224\n"
    "Extra: 1\n";

#define GUIX_MESSAGE                                                       \
  "StorePath: /gnu/store/" HASH_PART                                       \
  "-hello-2.12.1\n"                                                        \
  "NarHash: sha256:1pj7swf7dl5z165j08n7vjgj9mvvrz3f878avc96lyxk3zjzfl6r\n" \
  "NarSize: 226560\n"                                                      \
  "References: \n"                                                         \
  "Deriver: 5c1ph2pncrgd6cbcb6wfz4lmp2iqk2ih-hello-2.12.1.drv\n"           \
  "System: x86_64-linux\n"
#define GUIX_KEY                         \
  "(public-key (ecc (curve Ed25519) (q " \
  "#B45317A047628C22910E3BD52FF95E50324DEED016F6B07728E23DBF4642FA24#)))"
/* Made by libgcrypt. */
static const char guix_signature[] =
    "(signature (data (flags rfc6979) (hash sha256 "
    "#87827E536A5931B34C69266B1C14DAF6C9BC1B503DA79331A69B0171518F18B3#)) (sig-val (ecdsa (r "
    "#0A3A67948B5742A87BF8716437F562ED05AE9ECAE89A39C069F6BA7E6D126958#) (s "
    "#06051DD3216F08FBA97F0715C260EF055088547C80F382CA05C43B4ED2AEBA56#))) " GUIX_KEY ")";

static void test_keys(void) {
  cinch_secret_key* key = NULL;
  cinch_secret_key* again = NULL;
  cinch_public_keys* keys = NULL;
  cinch_text* secret = NULL;
  cinch_text* public_key = NULL;
  cinch_text* signature = NULL;
  size_t valid = 99;
  char text[512];
  CHECK_CODE(cinch_secret_key_generate(CINCH_STR("test-1"), &key), CINCH_OK);
  CHECK_CODE(cinch_secret_key_print(key, &secret), CINCH_OK);
  CHECK_CODE(cinch_secret_key_parse(cinch_text_str(secret), &again), CINCH_OK);
  CHECK_CODE(cinch_secret_key_public_key(again, &public_key), CINCH_OK);
  CHECK_CODE(cinch_secret_key_sign(again, WITH_NUL, &signature), CINCH_OK);
  (void)snprintf(text, sizeof text,
                 "%s\n cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY= ",
                 cinch_text_str(public_key).data);
  CHECK_CODE(cinch_public_keys_parse(CINCH_STR(text), &keys), CINCH_OK);
  CHECK(cinch_public_keys_count(keys) == 2);
  CHECK(is(cinch_public_keys_at(keys, 0), cinch_text_str(public_key).data));
  CHECK(is(cinch_public_keys_at(keys, 2), ""));
  const cinch_str signatures[] = {cinch_text_str(signature), cinch_text_str(signature)};
  CHECK_CODE(cinch_public_keys_verify(keys, WITH_NUL, signatures, 2, &valid), CINCH_OK);
  CHECK(valid == 1);
  CHECK_CODE(cinch_public_keys_verify(keys, CINCH_STR("a"), signatures, 2, &valid), CINCH_OK);
  CHECK(valid == 0);
  CHECK_CODE(cinch_public_keys_verify(keys, WITH_NUL, &WITH_NUL, 1, &valid), CINCH_MALFORMED);
  CHECK_CODE(cinch_public_keys_verify(keys, WITH_NUL, NULL, 1, &valid), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_public_keys_verify(keys, WITH_NUL, NULL, 0, NULL), CINCH_INVALID_ARGUMENT);
  cinch_public_keys_free(keys);
  cinch_secret_key_free(key);
  cinch_secret_key_free(again);
  cinch_text_free(secret);
  cinch_text_free(public_key);
  cinch_text_free(signature);
  key = NULL;
  keys = NULL;
  CHECK_CODE(cinch_secret_key_generate(CINCH_STR("a:b"), &key), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_secret_key_parse(CINCH_STR("a:AAAA"), &key), CINCH_MALFORMED);
  CHECK_CODE(cinch_secret_key_parse(WITH_NUL, &key), CINCH_MALFORMED);
  CHECK_CODE(cinch_secret_key_sign(NULL, WITH_NUL, &signature), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_public_keys_parse(WITH_NUL, &keys), CINCH_MALFORMED);
  CHECK(key == NULL && keys == NULL);
  cinch_secret_key_free(NULL);
  cinch_public_keys_free(NULL);
}

static void test_guix(void) {
  cinch_guix_keys* keys = NULL;
  cinch_guix_keys* none = NULL;
  uint32_t verdict = 99;
  CHECK_CODE(
      cinch_guix_keys_parse(CINCH_STR("(acl (entry " GUIX_KEY " (tag (guix import))))"), &keys),
      CINCH_OK);
  CHECK(cinch_guix_keys_count(keys) == 1);
  CHECK_CODE(
      cinch_guix_keys_verify(keys, CINCH_STR(GUIX_MESSAGE), CINCH_STR(guix_signature), &verdict),
      CINCH_OK);
  CHECK(verdict == CINCH_GUIX_VALID);
  CHECK_CODE(cinch_guix_keys_verify(keys, WITH_NUL, CINCH_STR(guix_signature), &verdict), CINCH_OK);
  CHECK(verdict == CINCH_GUIX_HASH_MISMATCH);
  CHECK_CODE(cinch_guix_keys_parse(CINCH_STR("(acl)"), &none), CINCH_OK);
  CHECK_CODE(
      cinch_guix_keys_verify(none, CINCH_STR(GUIX_MESSAGE), CINCH_STR(guix_signature), &verdict),
      CINCH_OK);
  CHECK(verdict == CINCH_GUIX_UNAUTHORISED_KEY);
  CHECK_CODE(cinch_guix_keys_verify(none, CINCH_STR(GUIX_MESSAGE), WITH_NUL, &verdict),
             CINCH_MALFORMED);
  cinch_guix_keys_free(none);
  cinch_guix_keys_free(keys);
  CHECK_CODE(cinch_guix_keys_parse(CINCH_STR(GUIX_KEY), &keys), CINCH_OK);
  CHECK(cinch_guix_keys_count(keys) == 1);
  cinch_guix_keys_free(keys);
  keys = NULL;
  CHECK_CODE(cinch_guix_keys_parse(WITH_NUL, &keys), CINCH_MALFORMED);
  CHECK_CODE(cinch_guix_keys_parse(CINCH_STR("(acl)"), NULL), CINCH_INVALID_ARGUMENT);
  CHECK(keys == NULL);
  cinch_guix_keys_free(NULL);
}

static void test_narinfo(void) {
  cinch_narinfo* narinfo = NULL;
  cinch_narinfo* again = NULL;
  cinch_text* text = NULL;
  cinch_secret_key* key = NULL;
  cinch_text* signature = NULL;
  const cinch_path_info* info;
  const cinch_nar_download* download;
  char expected[2048];
  CHECK_CODE(cinch_narinfo_parse(STORE, CINCH_STR(narinfo_text), &narinfo), CINCH_OK);
  info = cinch_narinfo_info(narinfo);
  CHECK(is(cinch_path_name(cinch_path_info_path(info)), "hello-2.12.1"));
  CHECK(cinch_path_info_nar_size_bytes(info) == 226560);
  CHECK(cinch_narinfo_downloads_count(narinfo) == 1);
  download = cinch_narinfo_download_at(narinfo, 0);
  CHECK(download->size == sizeof *download && is(download->url, "nar/x.nar.xz"));
  CHECK(is(download->compression, "xz") && download->file_hash.size == strlen("sha256-") + 44);
  CHECK(download->has_file_size == 1 && download->file_size_bytes == 50088);
  CHECK(cinch_narinfo_download_at(narinfo, 1) == NULL);
  CHECK(cinch_narinfo_fields_count(narinfo) == 1);
  CHECK(is(cinch_narinfo_field_at(narinfo, 0).name, "Extra"));
  CHECK(is(cinch_narinfo_field_at(narinfo, 1).name, ""));
  CHECK(is(cinch_narinfo_guix_signature(narinfo), ""));

  CHECK_CODE(cinch_path_info_fingerprint(info, &text), CINCH_OK);
  CHECK(strncmp(cinch_text_str(text).data, "1;/nix/store/" HASH_PART "-hello-2.12.1;sha256:", 66) ==
        0);
  CHECK_CODE(cinch_secret_key_generate(CINCH_STR("k"), &key), CINCH_OK);
  CHECK_CODE(cinch_secret_key_sign(key, cinch_text_str(text), &signature), CINCH_OK);
  cinch_text_free(text);
  CHECK_CODE(cinch_narinfo_add_signature(narinfo, cinch_text_str(signature)), CINCH_OK);
  CHECK_CODE(cinch_narinfo_add_signature(narinfo, cinch_text_str(signature)), CINCH_OK);
  CHECK(cinch_path_info_signatures_count(info) == 1);
  CHECK(is(cinch_path_info_signature_at(info, 0), cinch_text_str(signature).data));
  CHECK_CODE(cinch_narinfo_print(narinfo, CINCH_NARINFO_NIX, &text), CINCH_OK);
  (void)snprintf(expected, sizeof expected, "%.*sSig: %s\nExtra: 1\n",
                 (int)(strlen(narinfo_text) - strlen("Extra: 1\n")), narinfo_text,
                 cinch_text_str(signature).data);
  CHECK(text_is(text, expected));
  for (uint32_t format = 1; format <= 3; ++format) {
    CHECK_CODE(cinch_narinfo_print_json(narinfo, format, &text), CINCH_OK);
    CHECK_CODE(cinch_narinfo_parse_json(cinch_path_info_path(info), cinch_text_str(text), &again),
               CINCH_OK);
    cinch_text_free(text);
    CHECK(is(cinch_narinfo_download_at(again, 0)->url, "nar/x.nar.xz"));
    cinch_narinfo_free(again);
  }
  text = NULL;
  again = NULL;
  CHECK_CODE(cinch_narinfo_print(narinfo, 3, &text), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_narinfo_print_json(narinfo, 4, &text), CINCH_NOT_SUPPORTED);
  CHECK_CODE(cinch_narinfo_add_signature(narinfo, WITH_NUL), CINCH_MALFORMED);
  CHECK_CODE(cinch_narinfo_parse(STORE, WITH_NUL, &again), CINCH_MALFORMED);
  CHECK_CODE(cinch_narinfo_parse(STORE, CINCH_STR(narinfo_text), NULL), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_narinfo_parse_json(NULL, CINCH_STR("{}"), &again), CINCH_INVALID_ARGUMENT);
  CHECK(text == NULL && again == NULL);
  cinch_text_free(signature);
  cinch_secret_key_free(key);
  cinch_narinfo_free(narinfo);
  cinch_narinfo_free(NULL);
}

static void test_guix_narinfo(void) {
  cinch_narinfo* narinfo = NULL;
  const char* text = GUIX_MESSAGE "Signature: 1;host;KHNpZ25hdHVyZSk=\nURL: x\nCompression: none\n";
  CHECK_CODE(cinch_narinfo_parse(CINCH_STR("/gnu/store"), CINCH_STR(text), &narinfo), CINCH_OK);
  CHECK(is(cinch_narinfo_guix_signature(narinfo), "(signature)"));
  CHECK(is(cinch_narinfo_guix_signed_text(narinfo), GUIX_MESSAGE));
  cinch_narinfo_free(narinfo);
}

static void test_path_info(void) {
  cinch_path* path = NULL;
  cinch_path_info* info = NULL;
  cinch_path_info* again = NULL;
  cinch_path_infos* infos = NULL;
  cinch_text* json = NULL;
  const char* text =
      "{\"narHash\": \"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\", \"narSize\": 9,"
      " \"references\": [], \"ca\": null, \"registrationTime\": 7, \"ultimate\": true}";
  char document[512];
  CHECK_CODE(cinch_path_from_base_name(STORE, CINCH_STR(HASH_PART "-a"), &path), CINCH_OK);
  CHECK_CODE(cinch_path_info_parse_json(path, CINCH_STR(text), &info), CINCH_OK);
  CHECK(cinch_path_info_nar_size_bytes(info) == 9);
  CHECK(cinch_path_info_registration_unix_seconds(info) == 7);
  CHECK(cinch_path_info_is_ultimate(info));
  CHECK(!cinch_path_info_is_content_addressed(info));
  CHECK_CODE(
      cinch_path_info_add_signature(
          info, CINCH_STR("k:BML/1WG6wz16mQTTlEUXUkgZfcl2y1YtPGvVfnDWkwr2vpbiBT9JLeGqB7X6tZ3Tp76Z"
                          "pr/gUo2tmPZ8zt7IDA==")),
      CINCH_OK);
  for (uint32_t format = 1; format <= 3; ++format) {
    CHECK_CODE(cinch_path_info_print_json(info, format, &json), CINCH_OK);
    CHECK_CODE(cinch_path_info_parse_json(path, cinch_text_str(json), &again), CINCH_OK);
    CHECK(cinch_path_info_signatures_count(again) == 1);
    cinch_path_info_free(again);
    cinch_text_free(json);
  }
  json = NULL;
  again = NULL;
  (void)snprintf(document, sizeof document,
                 "{\"/nix/store/" HASH_PART
                 "-a\": %s, \"/nix/store/"
                 "vnwdak3n1w2jjil119j65k8mw1z23p84-b\": null}",
                 text);
  CHECK_CODE(cinch_path_infos_parse_json(STORE, CINCH_STR(document), &infos), CINCH_OK);
  CHECK(cinch_path_infos_count(infos) == 2 && cinch_path_infos_at(infos, 1) == NULL);
  cinch_path_infos_free(infos);
  infos = NULL;
  CHECK_CODE(cinch_path_info_print_json(info, 0, &json), CINCH_NOT_SUPPORTED);
  CHECK_CODE(cinch_path_info_parse_json(path, WITH_NUL, &again), CINCH_MALFORMED);
  CHECK_CODE(cinch_path_info_parse_json(path, CINCH_STR("{}"), &again), CINCH_MALFORMED);
  CHECK_CODE(cinch_path_info_add_signature(info, WITH_NUL), CINCH_MALFORMED);
  CHECK_CODE(cinch_path_info_add_signature(NULL, WITH_NUL), CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_path_infos_parse_json(STORE, WITH_NUL, &infos), CINCH_MALFORMED);
  CHECK(json == NULL && again == NULL && infos == NULL);
  cinch_path_info_free(info);
  cinch_path_info_free(NULL);
  cinch_path_free(path);
}

static void test_realisations(void) {
#define SIGNATURE                                                             \
  "k:BML/1WG6wz16mQTTlEUXUkgZfcl2y1YtPGvVfnDWkwr2vpbiBT9JLeGqB7X6tZ3Tp76Zpr/" \
  "gUo2tmPZ8zt7IDA=="
#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
  static const struct {
    const char* json;
    const char* id;
  } forms[] = {{"{\"key\":{\"drvPath\":\"" HASH_PART "-bar.drv\",\"outputName\":\"foo\"},\"value\":"
                "{\"outPath\":\"" HASH_PART "-bar-foo\",\"signatures\":[]}}",
                "/nix/store/" HASH_PART "-bar.drv^foo"},
               {"{\"dependentRealisations\":{},\"id\":\"sha256:" HEX
                "!foo\",\"outPath\":\"" HASH_PART "-bar-foo\",\"signatures\":[]}",
                "sha256:" HEX "!foo"}};
  cinch_realisation* realisation = NULL;
  cinch_text* text = NULL;
  for (size_t i = 0; i < 2; ++i) {
    CHECK_CODE(cinch_realisation_parse_json(STORE, CINCH_STR(forms[i].json), &realisation),
               CINCH_OK);
    CHECK(is(cinch_realisation_id(realisation), forms[i].id));
    CHECK(is(cinch_path_name(cinch_realisation_path(realisation)), "bar-foo"));
    CHECK_CODE(cinch_realisation_print_json(realisation, &text), CINCH_OK);
    CHECK(text_is(text, forms[i].json));
    CHECK_CODE(cinch_realisation_add_signature(realisation, CINCH_STR(SIGNATURE)), CINCH_OK);
    CHECK(cinch_realisation_signatures_count(realisation) == 1);
    CHECK(is(cinch_realisation_signature_at(realisation, 0), SIGNATURE));
    CHECK(is(cinch_realisation_signature_at(realisation, 1), ""));
    CHECK_CODE(cinch_realisation_fingerprint(realisation, &text), CINCH_OK);
    CHECK(strstr(cinch_text_str(text).data, "signatures") == NULL);
    cinch_text_free(text);
    CHECK_CODE(cinch_realisation_add_signature(realisation, WITH_NUL), CINCH_MALFORMED);
    cinch_realisation_free(realisation);
    realisation = NULL;
  }
  CHECK_CODE(cinch_realisation_parse_json(STORE, WITH_NUL, &realisation), CINCH_MALFORMED);
  CHECK_CODE(cinch_realisation_parse_json(STORE, CINCH_STR("{\"id\":1}"), &realisation),
             CINCH_MALFORMED);
  CHECK_CODE(cinch_realisation_parse_json(STORE, CINCH_STR("{}"), NULL), CINCH_INVALID_ARGUMENT);
  CHECK(realisation == NULL);
  cinch_realisation_free(NULL);
}

static void test_build_result(void) {
  static const char json[] =
      "{\"errorMsg\":\"no idea why\",\"isNonDeterministic\":false,\"startTime\":30,\"status\":"
      "\"OutputRejected\",\"stopTime\":50,\"success\":false,\"timesBuilt\":3}";
  const cinch_str wanted = CINCH_STR("/nix/store/" HASH_PART "-bar.drv^out");
  cinch_build_result* result = NULL;
  cinch_text* text = NULL;
  CHECK_CODE(cinch_build_result_parse_json(STORE, wanted, CINCH_STR(json), &result), CINCH_OK);
  CHECK(cinch_build_result_status(result) == CINCH_BUILD_OUTPUT_REJECTED);
  CHECK(!cinch_build_result_succeeded(result));
  CHECK(is(cinch_build_result_message(result), "no idea why"));
  CHECK(cinch_build_result_stop_unix_seconds(result) == 50);
  CHECK(cinch_outputs_count(cinch_build_result_outputs(result)) == 0);
  CHECK_CODE(cinch_build_result_print_json(result, &text), CINCH_OK);
  CHECK(text_is(text, json));
  cinch_build_result_free(result);
  result = NULL;
  CHECK_CODE(cinch_build_result_parse_json(STORE, wanted, WITH_NUL, &result), CINCH_MALFORMED);
  CHECK_CODE(cinch_build_result_parse_json(STORE, WITH_NUL, CINCH_STR(json), &result),
             CINCH_MALFORMED);
  CHECK_CODE(cinch_build_result_print_json(NULL, &text), CINCH_INVALID_ARGUMENT);
  CHECK(result == NULL);
  cinch_build_result_free(NULL);
}

static void test_cache_info(void) {
  const bool wants = true;
  const int32_t priority = 40;
  bool wants_read = false;
  int32_t priority_read = 0;
  cinch_cache_info* info = NULL;
  cinch_text* text = NULL;
  CHECK_CODE(cinch_cache_info_new(STORE, &wants, &priority, &info), CINCH_OK);
  CHECK_CODE(cinch_cache_info_print(info, &text), CINCH_OK);
  cinch_cache_info_free(info);
  CHECK_CODE(cinch_cache_info_parse(cinch_text_str(text), &info), CINCH_OK);
  CHECK(text_is(text, "StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 40\n"));
  CHECK(is(cinch_cache_info_store_dir(info), "/nix/store"));
  CHECK(cinch_cache_info_wants_mass_query(info, &wants_read) && wants_read);
  CHECK(cinch_cache_info_priority(info, &priority_read) && priority_read == 40);
  cinch_cache_info_free(info);
  CHECK_CODE(cinch_cache_info_new(CINCH_STR(""), NULL, NULL, &info), CINCH_OK);
  CHECK(is(cinch_cache_info_store_dir(info), ""));
  CHECK(!cinch_cache_info_wants_mass_query(info, &wants_read));
  CHECK(!cinch_cache_info_priority(info, &priority_read));
  cinch_cache_info_free(info);
  info = NULL;
  CHECK_CODE(cinch_cache_info_new(WITH_NUL, NULL, NULL, &info), CINCH_MALFORMED);
  CHECK_CODE(cinch_cache_info_parse(WITH_NUL, &info), CINCH_MALFORMED);
  CHECK_CODE(cinch_cache_info_parse(CINCH_STR(""), NULL), CINCH_INVALID_ARGUMENT);
  CHECK(info == NULL);
  cinch_cache_info_free(NULL);
}

static void test_machines(void) {
  cinch_machines* machines = NULL;
  const cinch_machine* machine;
  CHECK_CODE(cinch_machines_parse(CINCH_STR("host - /key 8 2.5 kvm,big # x\n@/etc/more\n"),
                                  CINCH_STR("a-linux b-linux"), &machines),
             CINCH_OK);
  CHECK(cinch_machines_count(machines) == 1 && cinch_machines_at(machines, 1) == NULL);
  machine = cinch_machines_at(machines, 0);
  CHECK(machine->size == sizeof *machine && is(machine->store_url, "ssh://host"));
  CHECK(is(machine->systems, "a-linux b-linux") && is(machine->ssh_key, "/key"));
  CHECK(machine->jobs_max == 8 && machine->speed_factor > 2.4 && machine->speed_factor < 2.6);
  CHECK(is(machine->supported_features, "big kvm") && is(machine->mandatory_features, ""));
  CHECK(is(machine->line, "ssh://host a-linux,b-linux /key 8 2.5 big,kvm - -\n"));
  CHECK(cinch_machines_files_count(machines) == 1);
  CHECK(is(cinch_machines_file_at(machines, 0), "/etc/more"));
  CHECK(is(cinch_machines_file_at(machines, 1), ""));
  cinch_machines_free(machines);
  machines = NULL;
  CHECK_CODE(cinch_machines_parse(CINCH_STR("host - - many"), CINCH_STR(""), &machines),
             CINCH_MALFORMED);
  CHECK_CODE(cinch_machines_parse(CINCH_STR("host"), CINCH_STR(""), NULL), CINCH_INVALID_ARGUMENT);
  CHECK(machines == NULL);
  cinch_machines_free(NULL);
}

static void test_store_references(void) {
  const cinch_variable root = {CINCH_STR("root"), CINCH_STR("/foo bar")};
  const cinch_variable twice[] = {root, root};
  cinch_store_reference* reference = NULL;
  CHECK_CODE(cinch_store_reference_parse(CINCH_STR("local?root=/foo bar"), &reference), CINCH_OK);
  CHECK(is(cinch_store_reference_url(reference), "local://?root=/foo%20bar"));
  CHECK(is(cinch_store_reference_scheme(reference), "local"));
  CHECK(is(cinch_store_reference_authority(reference), ""));
  CHECK(cinch_store_reference_parameters_count(reference) == 1);
  CHECK(is(cinch_store_reference_parameter_at(reference, 0).value, "/foo bar"));
  CHECK(is(cinch_store_reference_parameter_at(reference, 1).name, ""));
  cinch_store_reference_free(reference);
  CHECK_CODE(cinch_store_reference_new(CINCH_STR("local"), CINCH_STR(""), &root, 1, &reference),
             CINCH_OK);
  CHECK(is(cinch_store_reference_url(reference), "local://?root=/foo%20bar"));
  cinch_store_reference_free(reference);
  reference = NULL;
  CHECK_CODE(cinch_store_reference_new(CINCH_STR("local"), CINCH_STR(""), twice, 2, &reference),
             CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_store_reference_new(CINCH_STR("local"), CINCH_STR(""), NULL, 1, &reference),
             CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_store_reference_new(CINCH_STR("?"), CINCH_STR(""), NULL, 0, &reference),
             CINCH_INVALID_ARGUMENT);
  CHECK_CODE(cinch_store_reference_parse(WITH_NUL, &reference), CINCH_MALFORMED);
  CHECK_CODE(cinch_store_reference_parse(CINCH_STR("auto"), NULL), CINCH_INVALID_ARGUMENT);
  CHECK(reference == NULL);
  cinch_store_reference_free(NULL);
}

static int32_t read_file(cinch_str file_name, cinch_text** text_out, void* payload) {
  const int32_t* answer = payload;
  if (is(file_name, "/etc/nix/more.conf")) {
    cinch_error_free(cinch_text_new(CINCH_STR("bogus = 1"), text_out));
  }
  return *answer;
}

static void test_config(void) {
  static const char text[] =
      "max-jobs = auto # x\ninclude more.conf\n!include none\nsubstituters =  a  b\n";
  const cinch_str file = CINCH_STR("/etc/nix/nix.conf");
  int32_t answer = 0;
  cinch_config* config = NULL;
  const cinch_config_line* line;
  CHECK_CODE(cinch_config_parse(CINCH_STR(text), file, read_file, &answer, &config), CINCH_OK);
  CHECK(cinch_config_count(config) == 3 && cinch_config_at(config, 3) == NULL);
  line = cinch_config_at(config, 0);
  CHECK(line->size == sizeof *line && is(line->name, "max-jobs") && is(line->value, "auto"));
  CHECK(line->meaning == CINCH_SETTING_KNOWN && line->line_number == 1);
  line = cinch_config_at(config, 1);
  CHECK(is(line->name, "bogus") && is(line->file, "/etc/nix/more.conf"));
  CHECK(line->meaning == CINCH_SETTING_UNKNOWN);
  line = cinch_config_at(config, 2);
  CHECK(is(line->value, "a b") && line->meaning == CINCH_SETTING_FOREIGN && line->line_number == 4);
  CHECK_CODE(cinch_config_check(config), CINCH_OK);
  cinch_config_free(config);
  CHECK_CODE(cinch_config_parse(CINCH_STR("cores = many"), file, NULL, NULL, &config), CINCH_OK);
  CHECK(cinch_config_at(config, 0)->meaning == CINCH_SETTING_KNOWN);
  CHECK_CODE(cinch_config_check(config), CINCH_MALFORMED);
  cinch_config_free(config);
  config = NULL;
  CHECK_CODE(cinch_config_parse(CINCH_STR("include x"), file, NULL, NULL, &config),
             CINCH_NOT_FOUND);
  CHECK_CODE(cinch_config_parse(CINCH_STR("cores"), file, NULL, NULL, &config), CINCH_MALFORMED);
  answer = 1;
  CHECK_CODE(cinch_config_parse(CINCH_STR(text), file, read_file, &answer, &config),
             CINCH_CANCELLED);
  CHECK_CODE(cinch_config_parse(CINCH_STR(text), file, read_file, &answer, NULL),
             CINCH_INVALID_ARGUMENT);
  CHECK(config == NULL);
  cinch_config_free(NULL);
}

int main(void) {
  test_keys();
  test_guix();
  test_narinfo();
  test_guix_narinfo();
  test_path_info();
  test_realisations();
  test_build_result();
  test_cache_info();
  test_machines();
  test_store_references();
  test_config();
  return checks_failed > 0;
}
