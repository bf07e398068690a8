#pragma once

#include <set>
#include <string>

#include "agent/plan/past.h"
#include "agent/plan/slots.h"

// What stays of a stack's good release while another one is tried: so that the way back needs neither
// registry nor network. Pure.
namespace hivemind::agent {

// The good release that is kept beside the one that the view wants; none where there is nothing to go back
// to, or where it is the wanted one itself.
const GoodRelease* kept_release(const StackView& view, const Past& past);

// Ids of the containers of that release that are kept: of each replica one, that runs or ran last. They stand
// still, stay out of the engine's own restarts, and count neither as drift nor as running.
std::set<std::string> kept_containers(const StackView& view, const Past& past);

}  // namespace hivemind::agent
