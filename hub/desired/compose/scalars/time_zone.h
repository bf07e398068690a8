#pragma once

#include <filesystem>
#include <string>

namespace hivemind::hub::compose {

// Where Debian's tzdata has the zones.
inline constexpr const char* kZones = "/usr/share/zoneinfo";

// The rule of a zone of the IANA's ("Europe/Berlin") for the years to come, as POSIX writes it in TZ. From
// the machine's files, but for "UTC". Throws kInvalid for what is no name of a zone, kNotFound for one that
// is not there, kUnavailable where the machine has no zones at all, kCorrupt for a file that is none of a
// zone.
std::string zone_rule(const std::string& name, const std::filesystem::path& zones = kZones);

}  // namespace hivemind::hub::compose
