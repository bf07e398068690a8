#pragma once

#include <filesystem>

namespace hivemind::agent {

// Where an absolute path leads on this node once its symlinks are followed, as far as it is there; empty
// where that cannot be told. Of a node that the agent sees as another one (an agent in a container), it tells
// nothing.
std::filesystem::path real_path(const std::filesystem::path& path);

}  // namespace hivemind::agent
