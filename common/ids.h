#pragma once

#include <string>
#include <string_view>

namespace hivemind {

// A node id is a DNS label: 1 to 63 of [a-z0-9-], neither first nor last a '-' (RFC 1123).
bool is_node_id(std::string_view text);

// A stack name is a Compose project name: [a-z0-9][a-z0-9_-]*, at most 63.
bool is_stack_name(std::string_view text);

// A service, network or volume key: [a-zA-Z0-9._-]+, at most 63 (Compose specification).
bool is_compose_key(std::string_view text);

// A label key of a node: [a-zA-Z0-9]([a-zA-Z0-9._-]*), at most 63.
bool is_label_key(std::string_view text);

// A registry as image references name it, "HOST" or "HOST:PORT": with a '.' or a ':', or 'localhost', for
// otherwise it is the first part of a path at Docker Hub.
bool is_registry(std::string_view text);

// Throws kInvalid, saying what an id looks like.
void require_node_id(std::string_view text);

// The variable that a stack reads a node label by: "site-name" -> "HIVEMIND_LABEL_SITE_NAME".
std::string label_variable(std::string_view label_key);

}  // namespace hivemind
