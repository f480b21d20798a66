// Format: docs/formats/derivation.md.
#include "derivation_writer.hh"

#include "byte_search.hh"
#include "output_method.hh"

#include <cinch/core/derivation_aterm.hh>

#include <utility>

namespace cinch {

namespace {

char escape_of(char byte) {
  switch (byte) {
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return byte;  // a quote or a backslash
  }
}

class Writer {
 public:
  Writer(const Derivation& derivation, const StoreDir& store_dir)
      : derivation_(derivation), store_dir_(store_dir) {}

  std::string write() {
    text_.reserve(estimate_size());
    text_ += derivation_.dynamic_inputs.empty() ? "Derive(" : "DrvWithVersion(\"xp-dyn-drv\",";
    add_outputs(OutputFields::printed);
    text_ += ',';
    add_inputs();
    add_rest(OutputFields::printed);
    return std::move(text_);
  }

  std::string write_hashed(const HashedInputs& inputs, OutputFields fields) {
    text_.reserve(estimate_size());
    text_ += "Derive(";
    add_outputs(fields);
    text_ += ',';
    add_list(inputs, [&](const auto& input) {
      text_ += "(\"";
      text_ += input.first;
      text_ += "\",";
      add_names(input.second);
      text_ += ')';
    });
    add_rest(fields);
    return std::move(text_);
  }

 private:
  // `[a,b,c]` of any range.
  template <class Range, class Add>
  void add_list(const Range& range, Add add) {
    text_ += '[';
    bool first = true;
    for (const auto& element : range) {
      if (!first) text_ += ',';
      first = false;
      add(element);
    }
    text_ += ']';
  }

  void add_string(std::string_view value) {
    text_ += '"';
    std::size_t run = 0;
    for (;;) {
      const std::size_t at = find_byte<'"', '\\', '\n', '\r', '\t'>(value, run);
      text_.append(value.data() + run, at - run);
      if (at == value.size()) break;
      text_ += '\\';
      text_ += escape_of(value[at]);
      run = at + 1;
    }
    text_ += '"';
  }

  // Neither a store directory's nor a path's characters need escapes, save in odd directories.
  void add_path(const StorePath& path) {
    if (plain_store_dir_) {
      text_ += '"';
      text_ += store_dir_.text();
      text_ += '/';
      text_ += path.base_name();
      text_ += '"';
    } else {
      add_string(store_dir_.print(path));
    }
  }

  void add_names(const OutputNames& names) {
    add_list(names, [&](const std::string& name) { add_string(name); });
  }

  void add_outputs(OutputFields fields) {
    add_list(derivation_.outputs, [&](const auto& output) {
      text_ += '(';
      add_string(output.first);
      // Floating outputs have no path to hide.
      const bool has_path = !std::holds_alternative<FloatingOutput>(output.second);
      if (fields == OutputFields::masked && has_path) {
        text_ += ",\"\",\"\",\"\"";
      } else {
        add_output_fields(output.first, output.second);
      }
      text_ += ')';
    });
  }

  void add_output_fields(const std::string& name, const DerivationOutput& output) {
    text_ += ',';
    if (const auto* known = std::get_if<InputAddressedOutput>(&output)) {
      add_path(known->path);
      text_ += ",\"\",\"\"";
    } else if (const auto* fixed = std::get_if<FixedOutput>(&output)) {
      add_path(fixed_output_path(store_dir_, derivation_.name, name, *fixed));
      const Hash& hash = fixed->address.hash;
      add_method(fixed->address.method, hash.algorithm(), hash.digest_text(HashFormat::base16));
    } else if (const auto* floating = std::get_if<FloatingOutput>(&output)) {
      text_ += "\"\"";
      add_method(floating->method, floating->algorithm, "");
    } else if (const auto* impure = std::get_if<ImpureOutput>(&output)) {
      text_ += "\"\"";
      add_method(impure->method, impure->algorithm, "impure");
    } else {
      text_ += "\"\",\"\",\"\"";
    }
  }

  void add_method(ContentAddressMethod method, HashAlgorithm algorithm, std::string_view hash) {
    text_ += ',';
    add_string(print_output_method(method, algorithm));
    text_ += ',';
    add_string(hash);
  }

  // Two maps by path, written as one.
  void add_inputs() {
    static const OutputNames no_names;
    auto plain = derivation_.input_derivations.begin();
    auto dynamic = derivation_.dynamic_inputs.begin();
    const auto plain_end = derivation_.input_derivations.end();
    const auto dynamic_end = derivation_.dynamic_inputs.end();
    text_ += '[';
    for (bool first = true; plain != plain_end || dynamic != dynamic_end; first = false) {
      if (!first) text_ += ',';
      const bool has_plain =
          plain != plain_end && (dynamic == dynamic_end || plain->first <= dynamic->first);
      const bool has_dynamic =
          dynamic != dynamic_end && (plain == plain_end || dynamic->first <= plain->first);
      text_ += '(';
      add_path(has_plain ? plain->first : dynamic->first);
      text_ += ',';
      add_wanted(has_plain ? plain->second : no_names, has_dynamic ? &dynamic->second : nullptr);
      text_ += ')';
      if (has_plain) ++plain;
      if (has_dynamic) ++dynamic;
    }
    text_ += ']';
  }

  // Recursion is bounded by dynamic_input_depth_max, which the readers hold.
  void add_wanted(const OutputNames& outputs, const DynamicInputs* dynamic) {
    if (dynamic == nullptr || dynamic->empty()) return add_names(outputs);
    text_ += '(';
    add_names(outputs);
    text_ += ',';
    add_list(*dynamic, [&](const auto& output) {
      text_ += '(';
      add_string(output.first);
      text_ += ',';
      add_wanted(output.second.outputs, &output.second.dynamic);
      text_ += ')';
    });
    text_ += ')';
  }

  void add_rest(OutputFields fields) {
    text_ += ',';
    add_list(derivation_.input_sources, [&](const StorePath& path) { add_path(path); });
    text_ += ',';
    add_string(derivation_.system);
    text_ += ',';
    add_string(derivation_.builder);
    text_ += ',';
    add_list(derivation_.arguments, [&](const std::string& argument) { add_string(argument); });
    text_ += ',';
    add_list(derivation_.environment, [&](const auto& variable) {
      const bool hidden =
          fields == OutputFields::masked && derivation_.outputs.contains(variable.first);
      text_ += '(';
      add_string(variable.first);
      text_ += ',';
      add_string(hidden ? std::string_view() : std::string_view(variable.second));
      text_ += ')';
    });
    text_ += ')';
  }

  std::size_t estimate_size() const {
    const std::size_t path_bytes = store_dir_.text().size() + 80;
    std::size_t total = 256 + derivation_.builder.size();
    total += (derivation_.outputs.size() + derivation_.input_sources.size()) * (path_bytes + 80);
    total += derivation_.input_derivations.size() * (path_bytes + 16);
    for (const std::string& argument : derivation_.arguments) total += argument.size() + 8;
    for (const auto& [name, value] : derivation_.environment) {
      total += name.size() + value.size() + 16;
    }
    return total + total / 16;  // some room for escapes
  }

  const Derivation& derivation_;
  const StoreDir& store_dir_;
  const bool plain_store_dir_ =
      find_byte<'"', '\\', '\n', '\r', '\t'>(store_dir_.text(), 0) == store_dir_.text().size();
  std::string text_;
};

}  // namespace

std::string write_hashed_derivation(const Derivation& derivation, const StoreDir& store_dir,
                                    const HashedInputs& inputs, OutputFields fields) {
  return Writer(derivation, store_dir).write_hashed(inputs, fields);
}

std::string print_derivation(const Derivation& derivation, const StoreDir& store_dir) {
  return Writer(derivation, store_dir).write();
}

}  // namespace cinch
