#include <fmt/format.h>

#include "hub/cli/text.h"
#include "hub/cli/views.h"

namespace hivemind::hub::cli {
namespace {

std::string or_dash(std::string text) {
  return text.empty() ? "-" : text;
}

// "2 applying, 1 failed": what is not running, or nothing.
std::string troubles_of(const Json& stack) {
  std::string text;
  for (const char* state : {"failed", "applying", "scheduled", "pending", "offline"}) {
    const std::int64_t count = count_of(stack, state);
    if (count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, state);
  }
  const std::int64_t errors = count_of(stack, "errors");
  if (errors > 0) text += fmt::format("{}{}", text.empty() ? "" : ", ", count_text(errors, "error"));
  return text;
}

Tone tone_of_stack(const Json& stack) {
  if (count_of(stack, "failed") > 0 || count_of(stack, "errors") > 0) return Tone::kBad;
  if (!flag_of(stack, "enabled")) return Tone::kFaint;
  return count_of(stack, "running") == count_of(stack, "nodes") ? Tone::kGood : Tone::kBusy;
}

std::string on_nodes(const Json& stack) {
  return fmt::format("{}/{}", count_of(stack, "running"), count_of(stack, "nodes"));
}

// What its services say, or what is said of the stack as a whole.
std::string node_services(const Json& entry) {
  std::string text;
  for (const Json& service : list_of(entry, "services")) {
    const std::string about = why(service);
    if (about.empty()) continue;
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", text_of(service, "service"), about);
  }
  return text.empty() ? why(entry) : text;
}

std::string nodes_table(const Json& stack, const Screen& screen) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& entry : list_of(stack, "on")) {
    const std::string state = text_of(entry, "state");
    rows.push_back({{text_of(entry, "node")},
                    {flag_of(entry, "online") ? "online" : "offline",
                     flag_of(entry, "online") ? Tone::kPlain : Tone::kFaint},
                    {state, tone_of(state)},
                    {or_dash(short_revision(text_of(entry, "desired_revision")))},
                    {or_dash(short_revision(text_of(entry, "running_revision")))},
                    {node_services(entry)}});
  }
  if (rows.empty()) return "runs on no node (check its 'nodes:' in stacks.yml against 'hivemind node ls')\n";
  return layout(
      {{"NODE", Overflow::kCut}, {"LINK"}, {"STATE"}, {"DESIRED"}, {"RUNNING"}, {"WHY", Overflow::kWrap}},
      rows, screen);
}

}  // namespace

std::string stack_list_view(const Json& stacks, const Screen& screen) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& stack : list_of(stacks, "stacks")) {
    const Tone tone = tone_of_stack(stack);
    const bool enabled = flag_of(stack, "enabled");
    rows.push_back({{text_of(stack, "name")},
                    {on_nodes(stack), tone},
                    {fmt::format("{}", count_of(stack, "releases"))},
                    {or_dash(short_revision(text_of(stack, "revision")))},
                    {enabled ? troubles_of(stack) : "disabled", enabled ? tone : Tone::kFaint}});
  }
  if (rows.empty()) return "no stacks yet (list them in stacks.yml, commit, then 'hivemind sync')\n";
  return layout(
      {{"STACK", Overflow::kCut}, {"RUNNING"}, {"RELEASES"}, {"REVISION"}, {"WHAT IS NOT", Overflow::kWrap}},
      rows, screen);
}

std::string stack_view(const Json& stack, const Screen& screen) {
  std::vector<std::vector<Cell>> rows;
  rows.push_back({{"stack"}, {text_of(stack, "name")}});
  rows.push_back({{"enabled"}, {flag_of(stack, "enabled") ? "yes" : "no"}});
  rows.push_back(
      {{"running"},
       {fmt::format("on {} of {}", count_of(stack, "running"), count_text(count_of(stack, "nodes"), "node")),
        tone_of_stack(stack)}});
  rows.push_back({{"releases"}, {fmt::format("{}", count_of(stack, "releases"))}});
  rows.push_back({{"revision"}, {or_dash(short_revision(text_of(stack, "revision")))}});
  rows.push_back(
      {{"rollout"}, {text_of(stack, "rollout").empty() ? "all at once" : text_of(stack, "rollout")}});
  for (auto& row : rows) row.front().tone = Tone::kStrong;
  std::string text = layout({{""}, {"", Overflow::kWrap}}, rows, screen, Titles::kHidden);
  text += "\n" + nodes_table(stack, screen) + failures_view(list_of(stack, "on"), "node", screen) +
          notices_view(list_of(stack, "on"), "node", screen);
  const Json& diagnostics = list_of(stack, "diagnostics");
  return diagnostics.empty() ? text : text + "\n" + diagnostics_view(diagnostics, screen);
}

}  // namespace hivemind::hub::cli
