#pragma once

#include "hub/desired/compose/model.h"
#include "hub/desired/compose/repository.h"
#include "hub/desired/environment.h"

// What a service takes from the repository besides its Compose file.
namespace hivemind::hub::compose {

// Fills in the variables of the service's env files, below those of 'environment', and the ones that are
// passed through.
void resolve_environment(Service& service, const Environment& environment, Repository& repository,
                         Reader& reader, UnsetVariables rule = UnsetVariables::kWarn);

// Fills in the labels of the service's label files, below those of 'labels'.
void resolve_labels(Service& service, Repository& repository, Reader& reader);

// Reads the seccomp profiles that the service's security options name: the engine wants their content.
void resolve_seccomp(Service& service, Repository& repository, Reader& reader);

// The service's relative binds and configs. What the repository has travels as files; what it does not have
// is a directory that the node keeps for the stack. So is a directory that the stack writes to and that holds
// nothing but '.gitkeep' or '.gitignore': that is how an empty one is kept in Git.
std::vector<v1::FileMount> file_mounts(const Service& service, const Project& project, Repository& repository,
                                       Reader& reader);

}  // namespace hivemind::hub::compose
