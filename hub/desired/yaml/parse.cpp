#include <fmt/format.h>

#include "hub/desired/yaml/characters.h"
#include "hub/desired/yaml/document.h"

namespace hivemind::hub::yaml {

std::optional<Node> parse(std::string_view text, const std::string& file, Diagnostics& diagnostics,
                          const Limits& limits) {
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
  const auto document = read_document(text, file, limits, diagnostics);
  if (!document) return std::nullopt;
  return expand(*document, file, limits, diagnostics);
}

}  // namespace hivemind::hub::yaml
