#pragma once

#include <string>

#include "agent/plan/desired.h"
#include "agent/plan/observed.h"

// What is told to people and never acted on. Pure.
namespace hivemind::agent {

// How a volume that is there differs in driver or options from the wanted one; empty: not at all. Labels do
// not count.
std::string volume_difference(const DesiredVolume& wanted, const EngineVolume& there);

// Why two containers of the service cannot run at the same time; empty: they can.
std::string why_stop_first(const DesiredService& service);

}  // namespace hivemind::agent
