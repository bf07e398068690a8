#include <ostream>

#include <fmt/format.h>

#include "hub/cli/commands.h"
#include "hub/cli/views.h"

namespace hivemind::hub::cli {
namespace {

// A fleet's manifests are all signed anew, and stored, before the answer comes.
constexpr std::chrono::seconds kPatience{120};

}  // namespace

ExitCode trust_rotate(const TrustRotateCommand&, Output output, HubClient& hub, const Console& console) {
  const Json answer = hub.post("/api/v1/trust/rotate", Json::object(), kPatience);
  console.out << (output == Output::kJson ? pretty(answer) : rotated_view(answer, console.out_screen()));
  return ExitCode::kOk;
}

ExitCode trust_resume(const TrustResumeCommand&, Output output, HubClient& hub, const Console& console) {
  const Json answer = hub.post("/api/v1/trust/resume", Json::object(), kPatience);
  console.out << (output == Output::kJson ? pretty(answer) : sync_view(answer, console.out_screen()));
  const std::string state = text_of(answer, "state");
  return state == "applied" || state == "unchanged" ? ExitCode::kOk : ExitCode::kBad;
}

}  // namespace hivemind::hub::cli
