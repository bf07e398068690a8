#include <fmt/format.h>

#include "hub/cli/text.h"
#include "hub/cli/views.h"

namespace hivemind::hub::cli {
namespace {

std::string scope_text(const Json& token) {
  const Json& scope = part_of(token, "scope");
  std::string text;
  if (const std::string nodes = text_of(scope, "nodes"); !nodes.empty()) text = "nodes " + nodes;
  std::string stacks;
  for (const Json& stack : list_of(scope, "stacks")) {
    stacks += (stacks.empty() ? "" : ",") + stack.get<std::string>();
  }
  if (!stacks.empty()) text += (text.empty() ? "stacks " : ", stacks ") + stacks;
  return text.empty() ? "the whole fleet" : text;
}

// "node=pi-1 stack=web"
std::string members_text(const Json& object) {
  std::string text;
  for (const auto& [key, value] : object.items()) {
    const std::string shown = value.is_string() ? value.get<std::string>() : value.dump();
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", key, shown);
  }
  return text;
}

std::string change_text(const Json& entry) {
  const auto member = [&](const char* name) {
    const auto found = entry.find(name);
    return found == entry.end() || found->is_null() ? std::string()
           : found->is_object()                     ? members_text(*found)
                                                    : found->dump();
  };
  const std::string before = member("before");
  const std::string after = member("after");
  if (before.empty() && after.empty()) return "";
  return fmt::format("{} -> {}", before.empty() ? "nothing" : before, after.empty() ? "nothing" : after);
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    if (!part.empty()) text += (text.empty() ? "" : "; ") + part;
  }
  return text;
}

Cell outcome_cell(const Json& entry) {
  const std::string outcome = text_of(entry, "outcome");
  return {outcome, outcome == "done" ? Tone::kGood : outcome == "unknown" ? Tone::kBusy : Tone::kBad};
}

}  // namespace

std::string token_list_view(const Json& tokens, const Screen& screen) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& token : list_of(tokens, "tokens")) {
    const std::string state = text_of(token, "state");
    const std::string until = text_of(token, "expires_at");
    rows.push_back(
        {{text_of(token, "id")},
         {text_of(token, "name")},
         {text_of(token, "role")},
         {state, state == "good" ? Tone::kGood : Tone::kFaint},
         {until.empty() ? "never" : until.substr(0, 10)},
         {text_of(token, "used_at").empty() ? "never" : age(text_of(token, "used_at"), screen.now)},
         {scope_text(token)}});
  }
  if (rows.empty()) {
    return "no tokens but admin.token (make one: hivemind token create NAME --role viewer)\n";
  }
  return layout({{"ID"},
                 {"NAME", Overflow::kCut},
                 {"ROLE"},
                 {"STATE"},
                 {"EXPIRES"},
                 {"USED"},
                 {"SCOPE", Overflow::kWrap, 0, 2}},
                rows, screen);
}

std::string new_token_view(const Json& token, const Screen&) {
  const std::string until = text_of(token, "expires_at");
  return fmt::format("{}\n", printable(text_of(token, "token"))) +
         fmt::format(
             "# {} '{}' ({}), {}; it is not shown again: keep it in a file with mode 0600 for --token-file\n",
             printable(text_of(token, "role")), printable(text_of(token, "name")),
             printable(scope_text(token)),
             until.empty() ? "does not expire" : "good until " + printable(until.substr(0, 10)));
}

std::string audit_view(const Json& audit, const Screen& screen) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& entry : list_of(audit, "entries")) {
    const std::string address = text_of(entry, "address");
    rows.push_back(
        {{fmt::format("{}", count_of(entry, "id"))},
         {text_of(entry, "at").substr(0, 19)},
         {text_of(entry, "who")},
         {address.empty() ? "-" : address},
         {text_of(entry, "action")},
         outcome_cell(entry),
         {joined({members_text(part_of(entry, "asked")), text_of(entry, "text"), change_text(entry)})}});
  }
  if (rows.empty()) return "nothing was changed\n";
  return layout({{"ID"},
                 {"AT"},
                 {"WHO", Overflow::kCut},
                 {"FROM"},
                 {"WHAT"},
                 {"OUTCOME"},
                 {"ABOUT", Overflow::kWrap, 0, 3}},
                rows, screen);
}

std::string audit_verdict_view(const Json& verdict, const Screen& screen) {
  const std::string wrong = text_of(verdict, "wrong");
  const std::string head =
      fmt::format("head: row {}, {}\n", count_of(verdict, "id"), printable(text_of(verdict, "head")));
  if (!wrong.empty())
    return paint(screen, Tone::kBad, "the audit log is not whole: ") + printable(wrong) + "\n";
  if (verdict.contains("has_head") && !flag_of(verdict, "has_head")) {
    return paint(screen, Tone::kBad, "the noted head is not in the audit log: ") +
           "rows were cut off, or all of it was made anew\n" + head;
  }
  return fmt::format("the audit log is whole: {}\n", count_text(count_of(verdict, "rows"), "row")) + head;
}

}  // namespace hivemind::hub::cli
