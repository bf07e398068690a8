#pragma once

#include <span>
#include <string>
#include <string_view>

#include "hub/desired/yaml/node.h"

namespace hivemind::hub::compose {

// How two values of one place are merged (the reference: override/merge.go).
enum class MergeRule {
  kByKind,        // maps merge, lists are appended, of single values the later wins
  kReplace,       // the later, whatever it is
  kPairs,         // KEY=VALUE, as a map or a list: by key
  kList,          // one or several: appended
  kNames,         // a list of names is a map without values
  kDependencies,  // a list of names is a map of plain dependencies
  kHosts,         // appended but for equal ones; a map is a list of 'host=address'
  kLogging,       // maps merge unless both name a driver, and not the same
  kBuild,         // a single value is the context
  kPools,         // maps of address pools, by their subnet
};
MergeRule merge_rule(std::span<const std::string> path);

// What makes two items of a list the same one, so that the later takes the place of the earlier (the
// reference: override/uncity.go).
enum class Identity { kNone, kText, kName, kPort, kMount, kDevice, kConfig, kSecret, kEnvFile };
Identity list_identity(std::span<const std::string> path);
std::string identity(Identity kind, const yaml::Node& item);

}  // namespace hivemind::hub::compose
