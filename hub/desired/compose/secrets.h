#pragma once

#include "hub/desired/compose/model.h"
#include "hub/desired/environment.h"
#include "hub/desired/secrets.h"

namespace hivemind::hub::compose {

// Looks up the external secrets that services use: their content becomes a placeholder. One that is missing
// is an error where it is used.
void resolve_secrets(Project& project, const Environment& environment, Reader& reader);

// Refuses variables that are secrets where a node could not put their values in: only strings of what a
// container is made from can hold them. False when there are any.
bool secrets_are_well_placed(const yaml::Node& document, Reader& reader);
// The same of contents that are made of variables by name.
void check_secret_contents(const Project& project, const Environment& environment, Reader& reader);

// What is said of a placeholder that was not handed out, but written into a file: whoever wrote it may not
// know the value.
void refuse_placeholder(const Location& at, std::string_view id, Reader& reader);

// What is said of a secret that the hub does not have.
Diagnostic missing_secret(std::string_view name, const Location& at);

}  // namespace hivemind::hub::compose

namespace hivemind::hub {
using compose::missing_secret;
}
