// Shell completion, written from the same tables as everything else.
#pragma once

#include <string>
#include <string_view>

namespace cinch::cli {

// The script for bash, zsh or fish. The files in tools/completions are its output; a test compares
// them. Throws Code::invalid_argument for another shell.
std::string completion_script(std::string_view shell);

}  // namespace cinch::cli
