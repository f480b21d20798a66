#include "convert.hh"

#include <cinch/core/dynamic_path.hh>
#include <cinch/core/model_json.hh>

using cinch::DynamicPath;
using cinch::OutputSpec;
using cinch::StoreDir;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::lend;
using cinch::capi::view;

struct cinch_output_spec {
  explicit cinch_output_spec(OutputSpec value)
      : spec(std::move(value)), text(cinch::print_output_spec(spec)) {
    if (const auto* listed = std::get_if<std::set<std::string>>(&spec)) {
      names.assign(listed->begin(), listed->end());
    }
  }
  OutputSpec spec;
  std::string text;
  std::vector<std::string> names;
};

struct cinch_deriving_path {
  cinch_deriving_path(const StoreDir& store_dir, DynamicPath value)
      : path(std::move(value)),
        text(cinch::print_dynamic_path(path, store_dir)),
        start(store_dir, path.start.path) {
    if (path.outputs) outputs.emplace(*path.outputs);
  }
  DynamicPath path;
  std::string text;
  cinch_path start;
  std::optional<cinch_output_spec> outputs;
};

extern "C" {

cinch_error* cinch_output_spec_parse(cinch_str text, cinch_output_spec** spec_out) noexcept {
  return guarded([&] {
    cinch_output_spec*& out = deref(spec_out, "spec_out");
    out = new cinch_output_spec(cinch::parse_output_spec(view(text)));
  });
}

cinch_str cinch_output_spec_text(const cinch_output_spec* spec) noexcept {
  return lend(spec->text);
}

bool cinch_output_spec_is_all(const cinch_output_spec* spec) noexcept {
  return std::holds_alternative<cinch::AllOutputs>(spec->spec);
}

size_t cinch_output_spec_count(const cinch_output_spec* spec) noexcept {
  return spec->names.size();
}

cinch_str cinch_output_spec_name_at(const cinch_output_spec* spec, size_t index) noexcept {
  return cinch::capi::lend_at(spec->names, index);
}

bool cinch_output_spec_wants(const cinch_output_spec* spec, cinch_str output) noexcept {
  if (cinch_output_spec_is_all(spec)) return true;
  if (output.data == nullptr) return false;
  return std::ranges::find(spec->names, view(output)) != spec->names.end();
}

void cinch_output_spec_free(cinch_output_spec* spec) noexcept { delete spec; }

cinch_error* cinch_deriving_path_parse(cinch_str store_dir, cinch_str text,
                                       cinch_deriving_path** path_out) noexcept {
  return guarded([&] {
    cinch_deriving_path*& out = deref(path_out, "path_out");
    const StoreDir directory(view(store_dir));
    out = new cinch_deriving_path(directory, cinch::parse_dynamic_path(view(text), directory));
  });
}

cinch_error* cinch_deriving_path_parse_json(cinch_str store_dir, cinch_str json,
                                            cinch_deriving_path** path_out) noexcept {
  return guarded([&] {
    cinch_deriving_path*& out = deref(path_out, "path_out");
    const StoreDir directory(view(store_dir));
    out = new cinch_deriving_path(directory, cinch::parse_dynamic_path_json(view(json)));
  });
}

cinch_error* cinch_deriving_path_print_json(const cinch_deriving_path* path,
                                            cinch_text** json_out) noexcept {
  return guarded([&] {
    cinch_text*& out = deref(json_out, "json_out");
    out = new cinch_text{cinch::print_dynamic_path_json(deref(path, "path").path)};
  });
}

cinch_str cinch_deriving_path_text(const cinch_deriving_path* path) noexcept {
  return lend(path->text);
}

const cinch_path* cinch_deriving_path_start(const cinch_deriving_path* path) noexcept {
  return &path->start;
}

size_t cinch_deriving_path_steps_count(const cinch_deriving_path* path) noexcept {
  return path->path.start.outputs.size();
}

cinch_str cinch_deriving_path_step_at(const cinch_deriving_path* path, size_t index) noexcept {
  return cinch::capi::lend_at(path->path.start.outputs, index);
}

const cinch_output_spec* cinch_deriving_path_outputs(const cinch_deriving_path* path) noexcept {
  return path->outputs ? &*path->outputs : nullptr;
}

void cinch_deriving_path_free(cinch_deriving_path* path) noexcept { delete path; }

}  // extern "C"
