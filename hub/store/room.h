#pragma once

#include <filesystem>

#include "hub/store/store.h"

namespace hivemind::hub {

// Throws, as Store or write_file_durably() do, when the data directory does not take what is written to it. A
// database alone says little of that: for a while it takes what is small from the room that it has left over.
void require_room(const std::filesystem::path& directory, Store& store);

}  // namespace hivemind::hub
