#pragma once

#include <span>
#include <string_view>

namespace hivemind::hub {

// One step for each version of the database's schema; a released step is never edited.
std::span<const std::string_view> store_migrations();

}  // namespace hivemind::hub
