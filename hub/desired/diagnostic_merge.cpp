#include "hub/desired/diagnostic_merge.h"

#include <algorithm>
#include <tuple>

namespace hivemind::hub {
namespace {

auto order_of(const Diagnostic& d) {
  return std::tie(d.location, d.severity, d.code, d.stack, d.service, d.message, d.remedy);
}

}  // namespace

bool DiagnosticMerge::Order::operator()(const Diagnostic& a, const Diagnostic& b) const {
  return order_of(a) < order_of(b);
}

void DiagnosticMerge::add(const Diagnostics& diagnostics) {
  for (const Diagnostic& diagnostic : diagnostics) said_[diagnostic].all = true;
}

void DiagnosticMerge::add(const Diagnostics& diagnostics, const std::vector<std::string>& nodes) {
  for (const Diagnostic& diagnostic : diagnostics) {
    std::vector<std::string>& concerned = said_[diagnostic].nodes;
    concerned.insert(concerned.end(), nodes.begin(), nodes.end());
  }
}

void DiagnosticMerge::append_to(Diagnostics& out, std::size_t selected) const {
  for (const auto& [diagnostic, concerned] : said_) {
    std::vector<std::string> nodes = concerned.nodes;
    std::ranges::sort(nodes);
    const auto repeated = std::ranges::unique(nodes);
    nodes.erase(repeated.begin(), repeated.end());
    Diagnostic& merged = out.emplace_back(diagnostic);
    if (!concerned.all && nodes.size() < selected) merged.nodes = std::move(nodes);
  }
}

void sort(Diagnostics& diagnostics) {
  std::ranges::stable_sort(
      diagnostics, [](const Diagnostic& a, const Diagnostic& b) { return order_of(a) < order_of(b); });
}

}  // namespace hivemind::hub
