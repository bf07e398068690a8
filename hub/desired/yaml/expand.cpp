#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

#include "hub/desired/yaml/document.h"

namespace hivemind::hub::yaml {
namespace {

constexpr std::string_view kMergeKey = "<<";
constexpr std::size_t kMaxDiagnostics = 50;

// The outcome of a step: false means that a limit was exceeded or an alias leads in a circle, and expansion
// ends there. Wrong keys do not end it, so that all of them are found at once.
class Expansion {
 public:
  Expansion(const Document& document, const std::string& file, const Limits& limits, Diagnostics& diagnostics)
      : document_(document),
        file_(file),
        limits_(limits),
        diagnostics_(diagnostics),
        open_(document.nodes.size()) {}

  std::size_t count() const { return count_; }

  bool expand(Index index, std::size_t depth, Node& out) {
    const RawNode& raw = document_.nodes[index];
    if (raw.kind == RawKind::kAlias) return expand_alias(raw, depth, out);
    if (++count_ > limits_.max_nodes) {
      return refuse("yaml.too-many-nodes", raw,
                    fmt::format("the document has more than {} values once its aliases are expanded",
                                limits_.max_nodes));
    }
    if (depth > limits_.max_depth) {
      return refuse("yaml.too-deep", raw,
                    fmt::format("lists and maps are nested more than {} deep once aliases are expanded",
                                limits_.max_depth));
    }
    open_[index] = true;
    const bool done = fill(raw, depth, out);
    open_[index] = false;
    return done;
  }

 private:
  Location location(const RawNode& raw) const { return {file_, raw.line, raw.column}; }

  // What is wrong below an anchor is met again at each of its aliases, and said once.
  bool refuse(std::string code, const RawNode& raw, std::string message, std::string remedy = "") {
    Diagnostic diagnostic{.code = std::move(code),
                          .location = location(raw),
                          .message = std::move(message),
                          .remedy = std::move(remedy)};
    const bool known = std::ranges::find(diagnostics_, diagnostic) != diagnostics_.end();
    if (!known && diagnostics_.size() < kMaxDiagnostics) diagnostics_.push_back(std::move(diagnostic));
    return false;
  }

  // A copy, placed where its anchor is: that is where its text can be mended.
  bool expand_alias(const RawNode& raw, std::size_t depth, Node& out) {
    if (open_[raw.target]) return refuse("yaml.alias", raw, "an alias stands inside of what it refers to");
    return expand(raw.target, depth, out);
  }

  bool fill(const RawNode& raw, std::size_t depth, Node& out) {
    out.location = location(raw);
    out.tag = raw.tag;
    switch (raw.kind) {
      case RawKind::kNull:
      case RawKind::kAlias:
        return true;
      case RawKind::kScalar:
        out.kind = Kind::kScalar;
        out.scalar = raw.scalar;
        out.plain = raw.plain;
        return true;
      case RawKind::kSequence:
        return fill_sequence(raw, depth, out);
      case RawKind::kMap:
        return fill_map(raw, depth, out);
    }
    return true;
  }

  bool fill_sequence(const RawNode& raw, std::size_t depth, Node& out) {
    out.kind = Kind::kSequence;
    for (const Index child : raw.children) {
      if (!expand(child, depth + 1, out.items.emplace_back())) return false;
    }
    return true;
  }

  using Lines = std::unordered_map<std::string, int>;  // key -> line of its first appearance

  bool fill_map(const RawNode& raw, std::size_t depth, Node& out) {
    out.kind = Kind::kMap;
    Lines lines;
    std::optional<Index> merged;
    for (std::size_t i = 0; i + 1 < raw.children.size(); i += 2) {
      Node key;
      if (!expand(raw.children[i], depth + 1, key)) return false;
      if (!is_new_key(document_.nodes[raw.children[i]], key, lines)) continue;
      if (key.plain && key.tag.empty() && key.scalar == kMergeKey) {
        merged = raw.children[i + 1];
      } else if (!add_member(std::move(key), raw.children[i + 1], depth, out)) {
        return false;
      }
    }
    return !merged || merge(*merged, depth, lines, out);
  }

  bool is_new_key(const RawNode& raw, const Node& key, Lines& lines) {
    if (!key.is_scalar() || key.type() != Type::kString) {
      refuse("yaml.key", raw, fmt::format("a key is {}, expected a string", key.describe()),
             "put it in quotes");
      return false;
    }
    const auto [found, fresh] = lines.emplace(key.scalar, raw.line);
    if (fresh) return true;
    refuse("yaml.duplicate-key", raw,
           fmt::format("key '{}' is already there at line {}", key.scalar, found->second),
           key.scalar == kMergeKey ? "give one '<<' a list" : "remove one of them");
    return false;
  }

  bool add_member(Node key, Index value, std::size_t depth, Node& out) {
    Node::Member& member = out.members.emplace_back(std::move(key), Node{});
    if (!expand(value, depth + 1, member.second)) return false;
    // yaml-cpp places an absent value at the next token, often a line or more further down.
    if (member.second.kind == Kind::kNull && member.second.location.line != member.first.location.line) {
      member.second.location = member.first.location;
    }
    return true;
  }

  // https://yaml.org/type/merge.html: keys of the map itself win, then earlier maps of the list.
  bool merge(Index index, std::size_t depth, Lines& lines, Node& out) {
    Node source;
    if (!expand(index, depth + 1, source)) return false;
    const RawNode& raw = document_.nodes[index];
    if (source.is_map()) {
      add_absent(std::move(source), lines, out);
      return true;
    }
    if (!source.is_sequence()) {
      refuse_merge(raw, source);
      return true;
    }
    for (Node& item : source.items) {
      if (item.is_map()) {
        add_absent(std::move(item), lines, out);
      } else {
        refuse_merge(raw, item);
      }
    }
    return true;
  }

  void refuse_merge(const RawNode& raw, const Node& found) {
    refuse("yaml.merge", raw,
           fmt::format("'<<' is given {}, expected a map or a list of maps", found.describe()));
  }

  static void add_absent(Node source, Lines& lines, Node& out) {
    for (Node::Member& member : source.members) {
      if (lines.emplace(member.first.scalar, member.first.location.line).second) {
        out.members.push_back(std::move(member));
      } else {
        replace_reset(std::move(member), out);
      }
    }
  }

  // As in the reference, '!reset' removes what was said before, but not what the merge key brings.
  static void replace_reset(Node::Member merged, Node& out) {
    for (auto& [key, value] : out.members) {
      if (key.scalar != merged.first.scalar || value.tag != "!reset") continue;
      value = std::move(merged.second);
      value.tag = "!override";
    }
  }

  const Document& document_;
  const std::string& file_;
  const Limits& limits_;
  Diagnostics& diagnostics_;
  std::vector<bool> open_;  // nodes that are being expanded: an alias to one of them has no end
  std::size_t count_ = 0;
};

}  // namespace

std::optional<Node> expand(const Document& document, const std::string& file, Limits& limits,
                           Diagnostics& diagnostics) {
  Node root;
  root.location = {file, 1, 1};
  if (document.nodes.empty()) return root;
  Diagnostics found;
  Expansion expansion(document, file, limits, found);
  const bool complete = expansion.expand(0, 0, root);
  limits.max_nodes -= std::min(limits.max_nodes, expansion.count());
  diagnostics.insert(diagnostics.end(), found.begin(), found.end());
  if (!complete || !found.empty()) return std::nullopt;
  return root;
}

}  // namespace hivemind::hub::yaml
