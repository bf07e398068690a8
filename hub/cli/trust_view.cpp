#include <fmt/format.h>

#include "hub/cli/text.h"
#include "hub/cli/views.h"

namespace hivemind::hub::cli {
namespace {

constexpr std::size_t kMostNodes = 10;

using Rows = std::vector<std::vector<Cell>>;

std::string when(const Json& entry, const char* key, const Screen& screen) {
  const std::string at = text_of(entry, key);
  return at.empty() ? "not known when" : age(at, screen.now);
}

void add_nodes(Rows& rows, const Json& nodes) {
  const Json& others = list_of(nodes, "others");
  rows.push_back({{"nodes"},
                  {fmt::format("{} follow{}", count_of(nodes, "following"),
                               others.empty() ? "" : fmt::format(", {} not yet", others.size()))}});
  std::size_t shown = 0;
  for (const Json& node : others) {
    if (++shown > kMostNodes) break;
    const bool is_foreign = flag_of(node, "foreign");
    rows.push_back({{""},
                    {fmt::format("{} obeys {}{}", text_of(node, "node"), text_of(node, "key"),
                                 is_foreign ? ", which is no key of this hub" : ""),
                     is_foreign ? Tone::kBad : Tone::kBusy}});
  }
}

std::string keys_table(const Json& keys, const Screen& screen) {
  Rows rows;
  for (const Json& key : keys) {
    rows.push_back(
        {{text_of(key, "id")}, {rows.empty() ? "in force" : "given way"}, {when(key, "made_at", screen)}});
  }
  return "\n" + layout({{"KEY"}, {"STATE"}, {"MADE"}}, rows, screen);
}

std::string ahead_table(const Json& ahead, const Screen& screen) {
  Rows rows;
  for (const Json& one : ahead) {
    rows.push_back({{text_of(one, "node")},
                    {std::to_string(count_of(one, "generation"))},
                    {std::to_string(count_of(one, "known"))}});
  }
  if (rows.empty()) return "";
  return "\n" + layout({{"NODE", Overflow::kCut}, {"HAS"}, {"HERE"}}, rows, screen);
}

}  // namespace

std::string trust_view(const Json& trust, const Screen& screen) {
  Rows rows;
  rows.push_back({{"key"}, {text_of(trust, "key")}});
  rows.push_back({{"fingerprint"}, {"sha256:" + text_of(trust, "fingerprint")}});
  rows.push_back({{"made"}, {when(trust, "made_at", screen)}});
  add_nodes(rows, part_of(trust, "nodes"));
  if (flag_of(trust, "held")) rows.push_back({{"held"}, {text_of(trust, "text"), Tone::kBad}});
  for (auto& row : rows) row.front().tone = Tone::kStrong;
  return layout({{""}, {"", Overflow::kWrap}}, rows, screen, Titles::kHidden) +
         keys_table(list_of(trust, "keys"), screen) + ahead_table(list_of(trust, "ahead"), screen);
}

std::string rotated_view(const Json& trust, const Screen& screen) {
  return fmt::format(
      "key {} is in force\nnodes follow by themselves, those that are away when they are back (see 'hivemind "
      "trust "
      "show')\nback up the hub's 'signing.key' now: a backup of before does not know this key\n",
      paint(screen, Tone::kGood, printable(text_of(trust, "key"))));
}

}  // namespace hivemind::hub::cli
