#pragma once

#include "hub/desired/compose/reader.h"

// How documents become one, by the reference's rules (override/merge.go, override/uncity.go): maps merge,
// what a later one says of a single value wins, lists are appended, commands are replaced, and what a list
// names twice (a mount by its target, a port by its addresses, a variable by its name) is taken as it is said
// last.
// '!override' replaces and '!reset' removes what was said before. What cannot be merged is an error
// "compose.merge" where the later one stands.
namespace hivemind::hub::compose {

void merge_document(yaml::Node& document, yaml::Node later, Reader& reader);

// A service over the one that it extends.
void merge_service(yaml::Node& service, yaml::Node later, Reader& reader);

// Says twice named items once, and drops what was reset. For the document that all were merged into.
void finish_merge(yaml::Node& document);

}  // namespace hivemind::hub::compose
