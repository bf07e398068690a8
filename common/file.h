#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "common/descriptor.h"

namespace hivemind {

// Whole content. Throws kNotFound or kUnavailable, naming the file and the system's reason.
std::string read_file(const std::filesystem::path& file);

// Its two halves, for whoever has something to ask of the open file in between.
Descriptor open_file(const std::filesystem::path& file);
std::string read_all(const Descriptor& open, const std::filesystem::path& file);

// Content and name survive a power cut once this returns: temporary file, fsync, rename, fsync of the
// directory. Throws kExhausted when the disk is full, else kUnavailable.
void write_file_durably(const std::filesystem::path& file, std::string_view content, mode_t mode);

}  // namespace hivemind
