#pragma once

#include <nlohmann/json.hpp>

#include "hub/desired/compose/model.h"
#include "hub/desired/environment.h"

// The normalised model, in the shape that 'docker compose config --format json' has: to be compared with it.
namespace hivemind::hub::compose {

// What the compiler understood, printed: networks, volumes, configs and secrets in use only, paths absolute,
// '$' doubled so that the output is a Compose file again. environment: for build arguments without a value.
nlohmann::json print_project(const Project& project, const Environment& environment);

// A node as it was written: plain scalars with their types, everything else as strings. Keys in order of
// name.
nlohmann::json print_node(const yaml::Node& node);

// Every '$' of every string and key doubled.
nlohmann::json dollars_doubled(const nlohmann::json& json);

// The secrets that the service's 'build' names.
std::vector<std::string> build_secrets(const Service& service);

// What a service has without effect, in the canonical form of the specification (print_passed_on.cpp).
void print_passed_on(const Service& service, const Project& project, const Environment& environment,
                     nlohmann::json& into);

}  // namespace hivemind::hub::compose
