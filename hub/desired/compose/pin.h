#pragma once

#include "hub/desired/compose/compose.h"
#include "hub/desired/compose/model.h"

namespace hivemind::hub::compose {

enum class Pinned {
  kDone,     // or there was nothing to do
  kPending,  // a digest is not known yet: no release can be made
};

// Gives the services that are to be pinned their image by digest: "nginx:1.27@sha256:…". The tag stays, for
// people: the engine goes by the digest (tried with 20.10). Without options.pins the images stay as they are,
// and a warning says so.
Pinned pin_images(Project& project, const Options& options, Reader& reader);

}  // namespace hivemind::hub::compose
