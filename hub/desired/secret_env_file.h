#pragma once

#include <optional>
#include <string>

#include "hub/desired/diagnostic.h"
#include "hub/desired/environment.h"
#include "hub/desired/interpolate.h"
#include "hub/desired/secrets.h"

// Env files that SOPS (https://getsops.io) has encrypted: the names are readable, the values are secrets.
namespace hivemind::hub {

inline constexpr std::string_view kSopsFailed = "env-file.sops";

// Whether SOPS's own keys are among those of the file.
bool is_sops_env_file(std::string_view text);

// Its variables with placeholders as values, which are added to secrets. Nothing after an error: kSopsFailed,
// at the first line of SOPS's own, for what cannot be decrypted.
std::optional<Variables> decrypt_env_file(const std::string& text, const std::string& file,
                                          const Lookup& lookup, const SecretBook& book, SecretValues& secrets,
                                          Diagnostics& diagnostics);

}  // namespace hivemind::hub
