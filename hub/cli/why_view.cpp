#include <fmt/format.h>

#include "hub/cli/text.h"
#include "hub/cli/views.h"

namespace hivemind::hub::cli {
namespace {

using Rows = std::vector<std::vector<Cell>>;

void add(Rows& rows, const Json& cause, Tone tone) {
  rows.push_back({{text_of(cause, "reason"), tone}, {text_of(cause, "text")}});
  const std::string remedy = text_of(cause, "remedy");
  if (!remedy.empty()) rows.push_back({{""}, {"to do: " + remedy, Tone::kFaint}});
}

// "pi-1 is not on 0123456789ab: offline since …"
std::string headline(const Json& why, const Screen& screen) {
  const std::string stack = text_of(why, "stack");
  const std::string revision = short_revision(text_of(why, "revision"));
  const std::string who =
      stack.empty() ? text_of(why, "node") : fmt::format("stack '{}' of {}", stack, text_of(why, "node"));
  const bool is_there = flag_of(why, "on_revision");
  const std::string about =
      fmt::format("{} is {}on {}", who, is_there ? "" : "not ", revision.empty() ? "any revision" : revision);
  const std::string text = text_of(why, "text");
  return paint(screen, is_there ? Tone::kGood : Tone::kBad, printable(about)) +
         (text.empty() ? "" : ": " + printable(text)) + "\n";
}

}  // namespace

std::string why_view(const Json& why, const Screen& screen) {
  std::string text = headline(why, screen);
  const Json& causes = list_of(why, "causes");
  const std::string remedy = causes.empty() ? "" : text_of(causes.front(), "remedy");
  if (!remedy.empty()) text += "to do: " + printable(remedy) + "\n";
  Rows rows;
  for (std::size_t i = 1; i < causes.size(); ++i) add(rows, causes[i], Tone::kBusy);
  if (!rows.empty()) {
    text += "\nand also\n" + layout({{""}, {"", Overflow::kWrap}}, rows, screen, Titles::kHidden);
  }
  Rows notes;
  for (const Json& note : list_of(why, "notes")) add(notes, note, Tone::kPlain);
  if (!notes.empty()) {
    text += "\nto note\n" + layout({{""}, {"", Overflow::kWrap}}, notes, screen, Titles::kHidden);
  }
  return text;
}

std::string purge_view(const Json& purge, const Screen& screen) {
  const std::string stack = text_of(purge, "stack");
  const std::string node = text_of(purge, "node");
  const std::string state = text_of(purge, "state");
  Rows rows;
  for (const Json& volume : list_of(purge, "volumes"))
    rows.push_back({{"volume"}, {volume.is_string() ? volume.get<std::string>() : ""}});
  for (const Json& directory : list_of(purge, "directories"))
    rows.push_back({{"directory"}, {directory.is_string() ? directory.get<std::string>() : ""}});
  if (rows.empty())
    return printable(fmt::format("stack '{}' has left nothing on node '{}'", stack, node)) + "\n";
  std::string last = fmt::format("what stack '{}' had left on node '{}' is removed", stack, node);
  if (state != "purged") {
    last = fmt::format("nothing was touched; to remove it for good: hivemind stack purge {} {} --yes {}",
                       node, stack, text_of(purge, "confirm"));
  }
  if (state == "changed") last = text_of(purge, "text") + "; " + last;
  const std::int64_t bytes = count_of(purge, "bytes");
  if (bytes > 0) rows.push_back({{""}, {size_text(bytes) + " in directories"}});
  return layout({{"WHAT"}, {"NAME", Overflow::kWrap}}, rows, screen) + "\n" + printable(last) + "\n";
}

}  // namespace hivemind::hub::cli
