#include "hub/desired/diagnostic.h"

#include <algorithm>

#include <fmt/format.h>

namespace hivemind::hub {
namespace {

constexpr std::size_t kNodesNamed = 3;  // the others are counted

// "nodes 'a', 'b', 'c' and 7 more"
std::string nodes_text(const std::vector<std::string>& nodes) {
  const std::size_t named = std::min(nodes.size(), kNodesNamed);
  std::string text =
      fmt::format("{} '{}'", nodes.size() == 1 ? "node" : "nodes",
                  fmt::join(nodes.begin(), nodes.begin() + static_cast<std::ptrdiff_t>(named), "', '"));
  if (nodes.size() > named) text += fmt::format(" and {} more", nodes.size() - named);
  return text;
}

}  // namespace

bool has_errors(const Diagnostics& diagnostics) {
  return std::ranges::any_of(diagnostics, [](const Diagnostic& d) { return d.severity == Severity::kError; });
}

std::string_view to_string(Severity severity) {
  return severity == Severity::kError ? "error" : "warning";
}

std::string to_text(const Diagnostic& diagnostic) {
  std::string text = diagnostic.location.file;
  if (diagnostic.location.line > 0) text += fmt::format(":{}", diagnostic.location.line);
  if (diagnostic.location.line > 0 && diagnostic.location.column > 0) {
    text += fmt::format(":{}", diagnostic.location.column);
  }
  if (!text.empty()) text += ": ";
  text += fmt::format("{}: ", to_string(diagnostic.severity));
  if (!diagnostic.stack.empty()) text += fmt::format("stack '{}': ", diagnostic.stack);
  if (!diagnostic.service.empty()) text += fmt::format("service '{}': ", diagnostic.service);
  text += diagnostic.message;
  if (!diagnostic.nodes.empty()) text += fmt::format(", for {}", nodes_text(diagnostic.nodes));
  if (!diagnostic.remedy.empty()) text += fmt::format(" ({})", diagnostic.remedy);
  if (!diagnostic.code.empty()) text += fmt::format(" [{}]", diagnostic.code);
  return text;
}

}  // namespace hivemind::hub
