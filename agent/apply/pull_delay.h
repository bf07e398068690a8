#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string_view>

namespace hivemind::agent {

// How long a registry wants to be left alone, from the words of a failed pull: the engine hands on what the
// registry says ("toomanyrequests: retry-after: 1.5s, allowed: …"), but not the header Retry-After. Where it
// has had too many requests and names no time, a minute. Nothing: it said no such thing.
std::optional<std::chrono::milliseconds> asked_delay(std::string_view words);

// When to try again after so many failures in a row. Different for each, so that a fleet does not return to
// its registry as one; never before what the registry asked for.
std::chrono::milliseconds pull_delay(unsigned failures, std::string_view words,
                                     const std::function<double()>& random);  // random: from 0 to 1

}  // namespace hivemind::agent
