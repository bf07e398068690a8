#include <ostream>

#include <fmt/format.h>

#include "common/error.h"
#include "hub/cli/commands.h"
#include "hub/cli/text.h"
#include "hub/cli/views.h"

namespace hivemind::hub::cli {
namespace {

constexpr std::chrono::seconds kHeld{30};  // the hub answers earlier when there is an event
constexpr std::chrono::seconds kSlack{10};
constexpr std::chrono::seconds kRetry{2};

std::string filters(const EventsCommand& command) {
  std::string query;
  if (!command.node.empty()) query += "&node=" + http::Client::escape(command.node);
  if (!command.stack.empty()) query += "&stack=" + http::Client::escape(command.stack);
  return query;
}

// With --follow each event is a line of its own, so that a program can read it as it comes.
void print(const Json& answer, Output output, Follow follow, const Console& console) {
  if (output == Output::kTable) {
    console.out << events_view(answer, console.out_screen());
  } else if (follow == Follow::kNo) {
    console.out << pretty(answer);
  } else {
    for (const Json& event : list_of(answer, "events")) console.out << compact(event);
  }
  console.out.flush();
}

// The next answer after that event, or nothing when the hub was away: then some time has passed.
Json next(HubClient& hub, std::int64_t after, const EventsCommand& command, const Console& console) {
  const std::string target =
      fmt::format("/api/v1/events?after={}&limit=1000&wait={}{}", after, kHeld.count(), filters(command));
  try {
    return hub.get(target, kHeld + kSlack);
  } catch (const Error& error) {
    console.err << printable(waiting_line(error)) << std::endl;
  }
  hub.pause(kRetry);
  return Json::object();
}

}  // namespace

ExitCode events(const EventsCommand& command, Output output, HubClient& hub, const Console& console) {
  Json answer = hub.get(fmt::format("/api/v1/events?limit={}{}", command.limit, filters(command)));
  print(answer, output, command.follow, console);
  if (command.follow == Follow::kNo) {
    if (output == Output::kTable && list_of(answer, "events").empty()) {
      console.out << "no events yet (wait for them with 'hivemind events --follow')\n";
    }
    return ExitCode::kOk;
  }
  std::int64_t last = count_of(answer, "last");
  while (console.out.good()) {
    answer = next(hub, last, command, console);
    last = std::max(last, count_of(answer, "last"));
    print(answer, output, command.follow, console);
  }
  return ExitCode::kOk;
}

}  // namespace hivemind::hub::cli
