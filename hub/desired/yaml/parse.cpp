#include <fmt/format.h>

#include "hub/desired/yaml/characters.h"
#include "hub/desired/yaml/document.h"

namespace hivemind::hub::yaml {

namespace {

std::optional<std::vector<Document>> read(std::string_view text, const std::string& file,
                                          Diagnostics& diagnostics, const Limits& limits) {
  if (text.size() > limits.max_bytes) {
    diagnostics.push_back(
        {.code = "yaml.too-large",
         .location = {file, 0, 0},
         .message = fmt::format("the file has {} bytes, at most {} are read", text.size(), limits.max_bytes),
         .remedy = "split it"});
    return std::nullopt;
  }
  text = without_byte_order_mark(text);
  if (!check_characters(text, file, "yaml.encoding", diagnostics)) return std::nullopt;
  return read_documents(text, file, limits, diagnostics);
}

}  // namespace

std::optional<Node> parse(std::string_view text, const std::string& file, Diagnostics& diagnostics,
                          const Limits& limits) {
  auto documents = read(text, file, diagnostics, limits);
  if (!documents) return std::nullopt;
  while (documents->size() > 1 && documents->back().nodes.front().kind == RawKind::kNull)
    documents->pop_back();
  if (documents->size() > 1) {
    const RawNode& second = (*documents)[1].nodes.front();
    diagnostics.push_back({.code = "yaml.syntax",
                           .location = {file, second.line, second.column},
                           .message = "a second document starts here, one is expected"});
    return std::nullopt;
  }
  if (documents->empty()) documents->emplace_back();
  Limits left = limits;
  return expand(documents->front(), file, left, diagnostics);
}

std::optional<std::vector<Node>> parse_all(std::string_view text, const std::string& file,
                                           Diagnostics& diagnostics, const Limits& limits) {
  const auto documents = read(text, file, diagnostics, limits);
  if (!documents) return std::nullopt;
  std::vector<Node> all;
  Limits left = limits;
  for (const Document& document : *documents) {
    auto node = expand(document, file, left, diagnostics);
    if (!node) return std::nullopt;
    all.push_back(std::move(*node));
  }
  return all;
}

}  // namespace hivemind::hub::yaml
