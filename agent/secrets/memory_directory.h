#pragma once

#include <filesystem>

namespace hivemind::agent {

// Has the directory there, on a file system that is in memory only (tmpfs, ramfs). Where it is not, a small
// tmpfs is mounted there, which takes CAP_SYS_ADMIN: it never swaps where the kernel (6.4 and later) can
// promise that, and nothing in it can be run. Throws kDenied when that cannot be, with what to do.
void prepare_memory_directory(const std::filesystem::path& directory);

// Whether what is written there stays in memory. False for what is not there.
bool is_in_memory(const std::filesystem::path& directory);

}  // namespace hivemind::agent
