#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "hub/desired/compose/compose.h"

namespace hivemind::hub::compose {

// Whether a model is printed whose parts contradict each other, such as a service without image or with an
// unknown network.
enum class Consistency { kChecked, kIgnored };

// Which of the reference's formats a model is to have the shape of: they differ in what they leave out.
enum class ModelFormat { kYaml, kJson };

// The normalised model of a stack's Compose files (print.h), named after the stack. Nothing when they are no
// valid Compose. What is valid and cannot run on a node is printed, and said in the diagnostics: has_errors()
// tells whether the stack would be compiled. directory: absolute, what the source's directory is on this
// machine; printed paths start from it.
std::optional<nlohmann::json> config(const Source& source, const Environment& environment,
                                     const Options& options, const Snapshot& snapshot,
                                     const std::string& directory, Consistency consistency,
                                     ModelFormat format, PathsRead& paths, Diagnostics& diagnostics);

// Whether only HiveMind objects: Compose itself takes the file.
bool is_own_refusal(const Diagnostic& diagnostic);

}  // namespace hivemind::hub::compose
