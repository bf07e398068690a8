#include "hub/access/selector_text.h"

#include <algorithm>

#include "common/error.h"
#include "common/ids.h"

namespace hivemind::hub {

Selector parse_selector(std::string_view text) {
  Selector selector;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    const std::string part(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos) {
      require_node_id(part);
      selector.ids.push_back(part);
      continue;
    }
    const std::string key = part.substr(0, equals);
    if (!is_label_key(key) || equals + 1 == part.size()) {
      throw Error(ErrorCode::kInvalid, "'{}' selects no nodes (expected KEY=VALUE or a node's id)", part);
    }
    selector.labels[key].push_back(part.substr(equals + 1));
  }
  std::sort(selector.ids.begin(), selector.ids.end());
  if (selector.ids.empty() && selector.labels.empty()) {
    throw Error(ErrorCode::kInvalid, "an empty text selects no nodes (expected KEY=VALUE or a node's id)");
  }
  return selector;
}

std::string to_text(const Selector& selector) {
  std::vector<std::string> parts;
  for (const auto& [key, values] : selector.labels) {
    for (const std::string& value : values) parts.push_back(fmt::format("{}={}", key, value));
  }
  parts.insert(parts.end(), selector.ids.begin(), selector.ids.end());
  return fmt::format("{}", fmt::join(parts, ","));
}

}  // namespace hivemind::hub
