#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/desired/diagnostic.h"
#include "hub/desired/yaml/node.h"

// A document as it was written, before aliases and merge keys are expanded: as large as the file, whatever it
// expands to.
namespace hivemind::hub::yaml {

enum class RawKind { kNull, kScalar, kSequence, kMap, kAlias };

using Index = std::uint32_t;

struct RawNode {
  RawKind kind = RawKind::kNull;
  bool plain = false;
  int line = 0;
  int column = 0;
  std::string tag;
  std::string scalar;
  std::vector<Index> children;  // of a map: key, value, key, value, …
  Index target = 0;             // kAlias: the node that it stands for; may contain the alias
};

struct Document {
  std::vector<RawNode> nodes;  // the root is the first; empty: an empty file
};

// Reads the events of yaml-cpp. Says what is wrong in diagnostics and returns nothing when the text is no
// YAML, or exceeds the limits of depth and nodes.
std::optional<std::vector<Document>> read_documents(std::string_view text, const std::string& file,
                                                    const Limits& limits, Diagnostics& diagnostics);

// Expands aliases, applies merge keys, and checks keys. Takes what it expands to off the limit of nodes,
// which the documents of one file share.
std::optional<Node> expand(const Document& document, const std::string& file, Limits& limits,
                           Diagnostics& diagnostics);

}  // namespace hivemind::hub::yaml
