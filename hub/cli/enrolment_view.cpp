// Tokens for enrolment, and who waits.
#include <fmt/format.h>

#include "hub/cli/text.h"
#include "hub/cli/views.h"

namespace hivemind::hub::cli {
namespace {

std::string labels_text(const Json& labels) {
  std::string text;
  for (const auto& [key, value] : labels.items()) {
    if (value.is_string()) text += (text.empty() ? "" : ", ") + key + "=" + value.get<std::string>();
  }
  return text;
}

std::string good_for(const Json& token) {
  std::string text = text_of(token, "node");
  if (flag_of(token, "replaces")) text = "new hardware for " + text;
  if (text.empty()) text = "any node";
  return flag_of(token, "approve") ? text + ", after approval" : text;
}

Tone tone_of_token(std::string_view state) {
  if (state == "good") return Tone::kGood;
  return state == "revoked" ? Tone::kBad : Tone::kFaint;
}

std::string in_time(std::string_view time, const Screen& screen) {
  const auto at = parse_time(time);
  if (!at || *at < screen.now) return clock_text(time);
  return "in " + duration_text(std::chrono::duration_cast<std::chrono::milliseconds>(*at - screen.now));
}

}  // namespace

std::string enrolment_line(const Json& token) {
  return fmt::format("hivemind-agent enroll --hub {} --token {}\n", printable(text_of(token, "hub")),
                     printable(text_of(token, "text")));
}

std::string enrolment_tokens_view(const Json& answer, const Screen& screen) {
  const Json& tokens = list_of(answer, "tokens");
  if (tokens.empty()) return "no enrolment tokens (make one: hivemind node token create)\n";
  std::vector<std::vector<Cell>> rows;
  for (const Json& token : tokens) {
    const std::string state = text_of(token, "state");
    rows.push_back({{text_of(token, "id")},
                    {state, tone_of_token(state)},
                    {fmt::format("{}/{}", count_of(token, "used"), count_of(token, "uses"))},
                    {in_time(text_of(token, "expires_at"), screen)},
                    {good_for(token)},
                    {labels_text(part_of(token, "labels"))},
                    {text_of(token, "created_by")}});
  }
  return layout({{"TOKEN"},
                 {"STATE"},
                 {"USED"},
                 {"EXPIRES"},
                 {"GOOD FOR", Overflow::kWrap},
                 {"LABELS", Overflow::kCut},
                 {"BY", Overflow::kCut}},
                rows, screen);
}

std::string waiting_list_view(const Json& answer, const Screen& screen) {
  const Json& waiting = list_of(answer, "waiting");
  if (waiting.empty()) return "nobody waits\n";
  std::vector<std::vector<Cell>> rows;
  for (const Json& each : waiting) {
    const Json& facts = part_of(each, "facts");
    const bool approved = flag_of(each, "approved");
    rows.push_back({{text_of(each, "request")},
                    {text_of(each, "node")},
                    {approved ? "approved" : "waits", approved ? Tone::kGood : Tone::kBusy},
                    {age(text_of(each, "asked_at"), screen.now)},
                    {text_of(each, "address")},
                    {fmt::format("{}, {}, {}", text_of(facts, "hostname"), text_of(facts, "arch"),
                                 text_of(facts, "os"))}});
  }
  return layout({{"REQUEST"}, {"NODE"}, {"STATE"}, {"ASKED"}, {"FROM"}, {"MACHINE", Overflow::kCut}}, rows,
                screen);
}

std::string authority_view(const Json& answer, const Screen&) {
  return fmt::format("fingerprint (SHA-256)  {}\n", printable(text_of(answer, "fingerprint")));
}

}  // namespace hivemind::hub::cli
