#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "hivemind/v1/manifest.pb.h"

// Serialisation that says the same in the same bytes: JSON with sorted keys and without white space. Protobuf
// promises no such thing, so digests never cover its bytes.
namespace hivemind::hub::compose {

// Throws kInvalid for text that is not UTF-8.
std::string canonical_text(const nlohmann::json& json);

// SHA-256 hex of what makes a container of the service what it is: not of when it is pulled, how many there
// are, or what it waits for.
std::string config_hash(const v1::Service& service);
std::string config_hash(const v1::Network& network);
std::string config_hash(const v1::Volume& volume);

// "sha256:<hex>" of everything in the release but its revision and the digest itself.
std::string release_digest(const v1::Release& release);

}  // namespace hivemind::hub::compose
