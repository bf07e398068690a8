#include <ostream>

#include <fmt/format.h>

#include "hub/cli/commands.h"
#include "hub/cli/views.h"

namespace hivemind::hub::cli {
namespace {

// The node makes and removes a container for each that it compares.
constexpr std::chrono::seconds kPatience{90};

}  // namespace

ExitCode adopt(const AdoptCommand& command, Output output, HubClient& hub, const Console& console) {
  Json body = Json::object();
  body["stack"] = command.stack;
  if (!command.confirm.empty()) body["confirm"] = command.confirm;
  const Json answer = hub.post(fmt::format("/api/v1/nodes/{}/adopt", command.node), body, kPatience);
  console.out << (output == Output::kJson ? pretty(answer) : adoption_view(answer, console.out_screen()));
  const bool refused = text_of(answer, "state") == "changed";
  return refused ? ExitCode::kBad : ExitCode::kOk;
}

}  // namespace hivemind::hub::cli
