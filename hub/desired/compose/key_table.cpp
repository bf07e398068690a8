#include "hub/desired/compose/key_table.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hub/desired/compose/project.h"

namespace hivemind::hub::compose {
namespace {

using How = KnownKey::How;

struct Group {
  How how;
  std::string_view why;
  std::vector<std::string> paths;
};

Group& group_of(const KnownKey& key, std::vector<Group>& groups) {
  const auto found = std::ranges::find_if(
      groups, [&](const Group& group) { return group.how == key.how && group.why == key.why; });
  return found != groups.end() ? *found : groups.emplace_back(Group{key.how, key.why, {}});
}

// Members of members stand behind a dot, and in the place of what holds them.
void collect(const std::vector<KnownKey>& members, const std::string& prefix, std::vector<Group>& groups) {
  for (const KnownKey& member : members) {
    const std::string path = prefix + std::string(member.key);
    if (member.how == How::kRead && !member.members.empty()) {
      collect(member.members, path + ".", groups);
    } else {
      group_of(member, groups).paths.push_back(path);
    }
  }
}

std::string_view word(How how) {
  return how == How::kIgnored ? "ignored" : how == How::kRefused ? "**refused**" : "";
}

std::string members_text(const KnownKey& key) {
  std::vector<Group> groups;
  if (key.how == How::kRead) collect(key.members, "", groups);
  std::ranges::stable_sort(groups, {}, &Group::how);
  std::vector<std::string> parts;
  for (const Group& group : groups) {
    std::string text = fmt::format("`{}`", fmt::join(group.paths, "`, `"));
    if (group.how != How::kRead) text = fmt::format("{}: {}", word(group.how), text);
    if (!group.why.empty()) text += fmt::format(" ({})", group.why);
    parts.push_back(std::move(text));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

std::string row(const KnownKey& key) {
  const bool read = key.how == How::kRead;
  std::string outcome(!read ? word(key.how) : key.why.empty() ? "handled" : key.why);
  if (!read && !key.why.empty()) outcome += fmt::format(": {}", key.why);
  return fmt::format("| `{}` | {} | {} |\n", key.key, outcome, members_text(key));
}

std::string table(std::vector<KnownKey> keys) {
  std::ranges::sort(keys, {}, &KnownKey::key);
  std::string text = "| key | | members |\n|---|---|---|\n";
  for (const KnownKey& key : keys) text += row(key);
  return text;
}

}  // namespace

std::string key_table() {
  std::vector<KnownKey> document = document_keys();
  const auto services = std::ranges::find(document, "services", &KnownKey::key);
  const std::vector<KnownKey> service = std::exchange(services->members, {});
  return "### Of the file\n\n" + table(std::move(document)) + "\n### Of a service\n\n" + table(service);
}

}  // namespace hivemind::hub::compose
