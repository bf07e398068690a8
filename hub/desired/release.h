#pragma once

#include <map>
#include <memory>
#include <string>

#include "hivemind/v1/manifest.pb.h"
#include "hub/desired/secret.h"

namespace hivemind::hub {

// The contents that file mounts name, by SHA-256 hex. Shared, immutable.
using Files = std::map<std::string, std::shared_ptr<const std::string>>;

// A compiled stack: the message that travels, and the files that it needs. Immutable once made.
struct CompiledRelease {
  v1::Release release;  // its revision field is set by whoever publishes it first
  Files files;
  SecretValues secrets{};  // those of its secrets that the repository has
};

using ReleasePtr = std::shared_ptr<const CompiledRelease>;

}  // namespace hivemind::hub
