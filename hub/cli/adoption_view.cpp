#include <fmt/format.h>

#include "hub/cli/text.h"
#include "hub/cli/views.h"

namespace hivemind::hub::cli {
namespace {

Tone tone_of_verdict(const std::string& verdict) {
  if (verdict == "equal") return Tone::kGood;
  if (verdict == "differs" || verdict == "surplus") return Tone::kBusy;
  return Tone::kPlain;
}

std::string meaning_of(const std::string& kind, const std::string& verdict) {
  if (verdict == "equal") return kind == "container" ? "goes on as it is" : "used as it is";
  if (verdict == "missing") return "will be made";
  return "";
}

std::string value_text(const std::string& value) {
  return value.empty() ? "nothing" : value;
}

std::vector<std::vector<Cell>> rows_of(const Json& items) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& item : items) {
    const std::string verdict = text_of(item, "verdict");
    const std::string kind = text_of(item, "kind");
    const std::string said = text_of(item, "text");
    rows.push_back({{kind},
                    {text_of(item, "name"), Tone::kStrong},
                    {verdict, tone_of_verdict(verdict)},
                    {said.empty() ? meaning_of(kind, verdict) : said}});
    for (const Json& one : list_of(item, "differences")) {
      rows.push_back({{""},
                      {"  " + text_of(one, "field")},
                      {""},
                      {fmt::format("now {}, then {}", value_text(text_of(one, "now")),
                                   value_text(text_of(one, "then")))}});
    }
  }
  return rows;
}

}  // namespace

std::string adoption_view(const Json& adoption, const Screen& screen) {
  const std::string stack = text_of(adoption, "stack");
  const std::string node = text_of(adoption, "node");
  std::string text = layout(
      {{"WHAT"}, {"NAME, FIELD", Overflow::kWrap}, {"VERDICT"}, {"WHAT BECOMES OF IT", Overflow::kWrap}},
      rows_of(list_of(adoption, "items")), screen);
  const std::string state = text_of(adoption, "state");
  std::string last = fmt::format("stack '{}' of node '{}' is taken over", stack, node);
  if (state != "adopted") {
    last = fmt::format("nothing was touched; to take it over: hivemind adopt {} {} --yes {}", node, stack,
                       text_of(adoption, "confirm"));
  }
  if (state == "changed") last = text_of(adoption, "text") + "; " + last;
  return text + "\n" + printable(last) + "\n";
}

}  // namespace hivemind::hub::cli
