/* Builds GNU hello in a store of its own, through libcinch alone; see docs/embedding.md.
 *
 *   cc embed.c $(pkg-config --cflags --libs cinch) -o embed
 *   ./embed local?root=$PWD/store hello_2.10.orig.tar.gz hello/1-source.json hello/2-hello.json ...
 *
 * Adds the tarball, then a derivation from each JSON file; builds the last one, printing its log as
 * it comes; then prints the closure of the result. */
#include <cinch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void must(cinch_error* error) {
  if (error == NULL) return;
  fprintf(stderr, "embed: %s\n", cinch_error_text(error).data);
  exit(1);
}

static cinch_str read_file(const char* name) {
  static char buffer[1 << 20]; /* valid until the next call */
  FILE* file = fopen(name, "rb");
  if (file == NULL) {
    perror(name);
    exit(1);
  }
  cinch_str text = {buffer, fread(buffer, 1, sizeof buffer, file)};
  fclose(file);
  return text;
}

static int32_t on_event(const cinch_event* event, void* payload) {
  (void)payload;
  switch (event->kind) {
    case CINCH_EVENT_BUILD_STARTED:
      printf("building %s\n", cinch_path_text(event->derivation).data);
      break;
    case CINCH_EVENT_BUILD_LOG:
      printf("  %.*s\n", (int)event->text.size, event->text.data);
      break;
    case CINCH_EVENT_BUILD_FINISHED:
      printf("%s after %" PRIu64 " ms\n", cinch_build_status_name(event->status).data,
             event->duration_ms);
      break;
    default: /* newer versions may have more kinds */
      break;
  }
  return 0;
}

static void print_closure(const cinch_store* store, const cinch_path* path) {
  cinch_path_infos* infos;
  must(cinch_store_closure(store, &path, 1, &infos));
  for (size_t i = 0; i < cinch_path_infos_count(infos); ++i) {
    const cinch_path_info* info = cinch_path_infos_at(infos, i);
    printf("%s %s %" PRIu64 "\n", cinch_path_text(cinch_path_info_path(info)).data,
           cinch_path_info_nar_hash(info).data, cinch_path_info_nar_size_bytes(info));
  }
  cinch_path_infos_free(infos);
}

int main(int argc, char** argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: embed STORE-URL TARBALL DERIVATION.json...\n");
    return 2;
  }
  const cinch_setting compiler = {CINCH_STR("sandbox-paths"),
                                  CINCH_STR("/bin /lib /lib64 /usr /etc/alternatives")};
  cinch_store_options options = CINCH_STORE_OPTIONS_INIT;
  options.settings = &compiler;
  options.settings_count = 1;
  cinch_store* store;
  must(cinch_store_open(CINCH_STR(argv[1]), &options, &store));

  cinch_path* path; /* first the tarball, then each derivation */
  must(
      cinch_store_add_file(store, CINCH_STR("hello-2.10.tar.gz"), CINCH_STR(argv[2]), NULL, &path));
  for (int i = 3; i < argc; ++i) {
    cinch_path_free(path);
    must(cinch_store_add_derivation(store, read_file(argv[i]), &path));
  }

  char wanted[512];
  snprintf(wanted, sizeof wanted, "%s^out", cinch_path_text(path).data);
  cinch_build_options build = CINCH_BUILD_OPTIONS_INIT;
  build.event = on_event;
  cinch_build_results* results;
  must(cinch_store_build(store, &(cinch_str){wanted, strlen(wanted)}, 1, &build, &results));
  const cinch_build_result* result = cinch_build_results_at(results, 0);
  int succeeded = cinch_build_result_succeeded(result);
  printf("%s\n", cinch_build_status_name(cinch_build_result_status(result)).data);
  if (succeeded)
    print_closure(store, cinch_outputs_path_at(cinch_build_result_outputs(result), 0));
  else
    fprintf(stderr, "embed: %s\n", cinch_build_result_message(result).data);
  cinch_build_results_free(results);
  cinch_path_free(path);
  cinch_store_free(store);
  return succeeded ? 0 : 1;
}
