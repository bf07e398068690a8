#include <fmt/format.h>

#include "hub/desired/compose/validate.h"

namespace hivemind::hub::compose {
namespace {

// As the reference has it: where 'deploy' has limits at all, one that stands in the service must be among
// them.
template <typename T>
void check_limit(const Limit<T>& limit, const std::optional<Location>& there, std::string_view plain,
                 std::string_view deploy, Reader& reader) {
  if (!limit.plain || limit.plain->value == T{} || !there) return;
  const T other = limit.deploy ? limit.deploy->value : T{};
  if (limit.plain->value == other) return;
  reader.error(limit.plain->location, "compose.conflict",
               limit.deploy
                   ? fmt::format("'{}' and '{}' differ: {} and {}", plain, deploy, limit.plain->value, other)
                   : fmt::format("'{}' is {}, '{}' has no value", plain, limit.plain->value, deploy),
               "write the limit in one of the two places");
}

}  // namespace

void validate_resources(const Service& service, Reader& reader) {
  const Resources& resources = service.resources;
  const auto& limits = resources.deploy_limits;
  check_limit(resources.memory, limits, "mem_limit", "deploy.resources.limits.memory", reader);
  check_limit(resources.memory_reservation, resources.deploy_reservations, "mem_reservation",
              "deploy.resources.reservations.memory", reader);
  check_limit(resources.cpus, limits, "cpus", "deploy.resources.limits.cpus", reader);
  check_limit(resources.pids, limits, "pids_limit", "deploy.resources.limits.pids", reader);
  const auto limit = resources.memory.value();
  const auto reservation = resources.memory_reservation.value();
  if (limit && *limit > 0 && reservation && *reservation > *limit) {
    reader.error(service.location, "compose.refused-by-engine",
                 fmt::format("memory reservation {} is above the limit {}", *reservation, *limit));
  }
}

}  // namespace hivemind::hub::compose
