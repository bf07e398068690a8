#pragma once

#include <string>

namespace hivemind::hub::compose {

// What becomes of every key of a Compose file, as tables in Markdown, from the tables that files are read by.
std::string key_table();

}  // namespace hivemind::hub::compose
