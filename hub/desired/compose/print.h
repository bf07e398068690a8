#pragma once

#include <nlohmann/json.hpp>

#include "hub/desired/compose/model.h"
#include "hub/desired/environment.h"

// The normalised model, in the shape that 'docker compose config --format json' has: to be compared with it.
namespace hivemind::hub::compose {

// What the compiler understood, printed: networks, volumes, configs and secrets in use only, paths absolute,
// '$' doubled so that the output is a Compose file again. environment: for build arguments without a value.
nlohmann::json print_project(const Project& project, const Environment& environment);

// The same model in the shape that the reference's YAML has. It leaves out some of what has no value, and has
// the document's 'x-' keys at every level that it prints: those of list items where these are as many as in
// the document (print_yaml.cpp).
nlohmann::json yaml_shape(nlohmann::json model, const yaml::Node& document);

// A document whose variables were left alone, with all its parts: in the canonical form where the text is
// known to have one, as written where a variable stands in the way. '$' stays. place: its name, home and
// directory alone (print_uninterpolated.cpp). Empty lists are printed as lists, see empty_lists_as_nothing().
nlohmann::json print_uninterpolated(const yaml::Node& document, const Project& place);

// What the reference's JSON has for them there.
void empty_lists_as_nothing(nlohmann::json& model, const std::string& key = "");

// A path, or something with a scheme that is no path.
std::string print_context(const std::string& text, const Project& project);

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
