#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <spdlog/spdlog.h>

// The adapter of spdlog. One line an event, on standard error, in the form that journald and people read:
//   2026-01-31T12:00:00.123Z info  web: container 'web-app-1' started
// Use log::info("…", …) and so on with fmt's format strings.
namespace hivemind {
class Redactor;
}

namespace hivemind::log {

using spdlog::debug;
using spdlog::error;
using spdlog::info;
using spdlog::warn;

inline constexpr std::string_view kLevels = "debug, info, warn, error";

// Throws kInvalid for a level that is none of kLevels. Called once by main, before any thread starts.
void init(std::string_view level);

// No line shows what the redactor knows, from now on. Needs init().
void redact_with(std::shared_ptr<const Redactor> redactor);

}  // namespace hivemind::log
