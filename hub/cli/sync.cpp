#include <algorithm>
#include <ostream>
#include <set>

#include <fmt/format.h>

#include "common/error.h"
#include "hub/cli/commands.h"
#include "hub/cli/text.h"
#include "hub/cli/views.h"

namespace hivemind::hub::cli {
namespace {

using Steady = std::chrono::steady_clock;
using namespace std::chrono_literals;

// The hub answers at once when there is news that ends the waiting; in between we look for changed reasons
// this often.
constexpr std::chrono::seconds kLook{2};
constexpr std::chrono::seconds kSlack{10};  // for an answer, beyond the time that the hub may hold it back

class Deadline {
 public:
  explicit Deadline(std::chrono::milliseconds timeout) : start_(Steady::now()), end_(start_ + timeout) {}
  std::chrono::milliseconds left() const {
    return std::max(0ms, std::chrono::duration_cast<std::chrono::milliseconds>(end_ - Steady::now()));
  }
  std::chrono::milliseconds spent() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - start_);
  }

 private:
  Steady::time_point start_;
  Steady::time_point end_;
};

bool is_over(const Json& convergence) {
  return flag_of(convergence, "converged") || !list_of(convergence, "failed").empty();
}

// Prints a line each time that the picture has changed.
class Progress {
 public:
  explicit Progress(const Console& console) : console_(console) {}

  void show(const std::string& line) {
    if (line.empty() || line == last_) return;
    last_ = line;
    console_.err << fit(printable(line), console_.width) << std::endl;
  }

 private:
  const Console& console_;
  std::string last_;
};

// The newest picture once it is over or the time is up. A hub that restarts meanwhile is waited for.
Json wait_for_nodes(HubClient& hub, const Deadline& deadline, Progress& progress) {
  Json newest = Json::object();
  while (deadline.left() > 0ms) {
    const auto look = std::clamp(std::chrono::ceil<std::chrono::seconds>(deadline.left()), 1s, kLook);
    std::string away;
    try {
      newest = hub.get(fmt::format("/api/v1/convergence?wait={}", look.count()),
                       std::min<std::chrono::milliseconds>(look + kSlack, deadline.left() + look));
    } catch (const Error& error) {
      away = waiting_line(error);
    }
    if (away.empty() && is_over(newest)) break;
    progress.show(away.empty() ? progress_line(newest) : away);
    if (!away.empty()) hub.pause(std::min<std::chrono::milliseconds>(1s, deadline.left()));
  }
  return newest;
}

// "2 stacks do not compile (see above)"; empty: the commit is whole.
std::string errors_text(const Json& diagnostics) {
  if (!has_errors(diagnostics)) return "";
  std::set<std::string> stacks;
  for (const Json& each : diagnostics) {
    if (text_of(each, "severity") == "error" && !text_of(each, "stack").empty())
      stacks.insert(text_of(each, "stack"));
  }
  if (stacks.empty()) return "the commit has errors (see above)";
  return fmt::format("{} not compile (see above)",
                     stacks.size() == 1 ? "1 stack does" : fmt::format("{} stacks do", stacks.size()));
}

std::string summary(HubClient& hub, const Json& result, const Deadline& deadline) {
  const std::string took = duration_text(deadline.spent());
  const std::string revision = short_revision(text_of(result, "revision"));
  const Json& convergence = part_of(result, "convergence");
  const auto failed = static_cast<std::int64_t>(list_of(convergence, "failed").size());
  const auto waiting = static_cast<std::int64_t>(list_of(convergence, "waiting").size());
  const auto scheduled = static_cast<std::int64_t>(list_of(convergence, "scheduled").size());
  if (failed > 0)
    return fmt::format("{}: {} failed after {} (see 'hivemind why NODE')", revision,
                       count_text(failed, "node"), took);
  if (!flag_of(convergence, "converged")) {
    return fmt::format("{}: time is up after {}, {} not converged (wait longer with --timeout)", revision,
                       took, count_text(waiting, "node"));
  }
  const std::int64_t online = count_of(part_of(hub.get("/api/v1/status"), "nodes"), "online");
  std::string text =
      online == 0 ? "published; no node is online"
                  : fmt::format("{} converged in {}", count_text(online - scheduled, "online node"), took);
  if (scheduled > 0) {
    text += fmt::format("; {} for a window ('hivemind apply --now NODE' does not)",
                        scheduled == 1 ? "1 node waits" : fmt::format("{} nodes wait", scheduled));
  }
  const std::string errors = errors_text(list_of(result, "diagnostics"));
  return fmt::format("{}: {}{}", revision, errors.empty() ? "" : errors + "; apart from that: ", text);
}

ExitCode outcome(const Json& result) {
  const std::string state = text_of(result, "state");
  if (state != "applied" && state != "unchanged") return ExitCode::kBad;
  const Json& convergence = part_of(result, "convergence");
  if (has_errors(list_of(result, "diagnostics")) || !list_of(convergence, "failed").empty())
    return ExitCode::kBad;
  const bool waited = result.contains("convergence");
  return waited && !flag_of(convergence, "converged") ? ExitCode::kTimeout : ExitCode::kOk;
}

Json post_sync(HubClient& hub, const SyncCommand& command, const Deadline& deadline) {
  Json body = Json::object();
  if (command.empty_fleet == EmptyFleet::kConfirmed) body["confirm_empty"] = true;
  if (command.pinned_images == PinnedImages::kRefreshed) body["refresh_pins"] = true;
  return hub.post("/api/v1/sync", body, deadline.left());
}

}  // namespace

ExitCode sync(const SyncCommand& command, Output output, HubClient& hub, const Console& console) {
  const Deadline deadline(command.timeout);
  Progress progress(console);
  Json result = post_sync(hub, command, deadline);
  const std::string state = text_of(result, "state");
  if (output == Output::kTable) console.out << sync_view(result, console.out_screen()) << std::flush;
  if (command.waiting == Waiting::kYes && (state == "applied" || state == "unchanged")) {
    result["convergence"] = wait_for_nodes(hub, deadline, progress);
    if (output == Output::kTable) {
      console.out << waiting_view(result["convergence"], console.out_screen())
                  << summary(hub, result, deadline) << '\n';
    }
  }
  if (output == Output::kJson) console.out << pretty(result);
  return outcome(result);
}

}  // namespace hivemind::hub::cli
