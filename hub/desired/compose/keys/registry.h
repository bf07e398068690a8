#pragma once

#include "hub/desired/compose/keys/family.h"

// All keys of a service. A new key is a row in its family's table; a new family is a row here.
namespace hivemind::hub::compose {

void read_service(const yaml::Node& node, Service& service, Reader& reader);

// The keys that a service has, and their members, in the order of the alphabet.
std::vector<KnownKey> service_keys();

// 'post_start' and 'pre_stop', which are no part of the body.
void add_hooks(const Service& service, v1::Service& into);

EngineBody emit_service(const Service& service, const Project& project);

// Its part of the normalised model, but for what was passed on.
nlohmann::json print_service(const Service& service, const Project& project);

}  // namespace hivemind::hub::compose
