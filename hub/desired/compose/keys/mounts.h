#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "hub/desired/compose/keys/family.h"

// What reads a service's mounts, and what becomes of them.
namespace hivemind::hub::compose {

// "[source:]target[:options]"; nothing, and a diagnostic, for what is none.
std::optional<Mount> read_short_mount(const yaml::Node& node, Reader& reader);

bool is_propagation(std::string_view text);

// "C:\data", "\\.\pipe\x".
bool is_windows_path(std::string_view text);

// Without '.', '..' and '/' at the end, as a path in a container; the reference cleans them, too.
std::string clean_target(const std::string& target);

// Whether the engine can be told to label the source of a bind: only where it is told nothing else.
bool has_place_for_selinux(const Mount& mount);

void emit_mounts(const Service& service, const Project& project, EngineBody& body);
void print_mounts(const Service& service, const Project& project, nlohmann::json& into);

}  // namespace hivemind::hub::compose
