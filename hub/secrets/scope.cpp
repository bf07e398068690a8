#include "hub/secrets/scope.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "common/error.h"
#include "common/ids.h"

namespace hivemind::hub {
namespace {

using Kind = SecretScope::Kind;

[[noreturn]] void refuse(std::string_view text) {
  throw Error(ErrorCode::kInvalid,
              "'{}' is no scope (expected 'fleet', 'stack:NAME', 'selector:KEY=VALUE[,KEY=VALUE]' or "
              "'node:ID')",
              text);
}

Labels labels_of(std::string_view text, std::string_view whole) {
  Labels labels;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    const std::size_t equals = one.find('=');
    if (equals == std::string_view::npos || !is_label_key(one.substr(0, equals))) refuse(whole);
    labels.insert_or_assign(std::string(one.substr(0, equals)), std::string(one.substr(equals + 1)));
  }
  if (labels.empty()) refuse(whole);
  return labels;
}

std::string text_of(const Labels& labels) {
  std::string text;
  for (const auto& [key, value] : labels) text += (text.empty() ? "" : ",") + key + "=" + value;
  return text;
}

}  // namespace

SecretScope SecretScope::parse(std::string_view text) {
  if (text == "fleet") return {};
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) refuse(text);
  const std::string_view kind = text.substr(0, colon), of = text.substr(colon + 1);
  if (kind == "stack" && is_stack_name(of)) return {Kind::kStack, std::string(of), {}};
  if (kind == "node" && is_node_id(of)) return {Kind::kNode, std::string(of), {}};
  if (kind == "selector") return {Kind::kSelector, {}, labels_of(of, text)};
  refuse(text);
}

std::string SecretScope::text() const {
  switch (kind) {
    case Kind::kFleet:
      return "fleet";
    case Kind::kStack:
      return "stack:" + of;
    case Kind::kSelector:
      return "selector:" + text_of(labels);
    case Kind::kNode:
      return "node:" + of;
  }
  return {};
}

std::string SecretScope::description() const {
  switch (kind) {
    case Kind::kFleet:
      return "the fleet";
    case Kind::kStack:
      return fmt::format("stack '{}'", of);
    case Kind::kSelector:
      return fmt::format("nodes with '{}'", text_of(labels));
    case Kind::kNode:
      return fmt::format("node '{}'", of);
  }
  return {};
}

bool SecretScope::holds_for(std::string_view stack, const NodeIdentity& node) const {
  switch (kind) {
    case Kind::kFleet:
      return true;
    case Kind::kStack:
      return of == stack;
    case Kind::kNode:
      return of == node.id;
    case Kind::kSelector:
      return std::ranges::all_of(labels, [&](const auto& wanted) {
        const auto found = node.labels.find(wanted.first);
        return found != node.labels.end() && found->second == wanted.second;
      });
  }
  return false;
}

int most_specific(const std::vector<SecretScope>& scopes, std::string_view stack, const NodeIdentity& node) {
  const auto rank = [&](std::size_t i) { return std::tuple(scopes[i].kind, scopes[i].labels.size()); };
  int best = -1;
  for (std::size_t i = 0; i < scopes.size(); ++i) {
    if (!scopes[i].holds_for(stack, node)) continue;
    const auto held = static_cast<std::size_t>(best);
    const bool better =
        best < 0 || rank(i) > rank(held) || (rank(i) == rank(held) && scopes[i].text() < scopes[held].text());
    if (better) best = static_cast<int>(i);
  }
  return best;
}

}  // namespace hivemind::hub
