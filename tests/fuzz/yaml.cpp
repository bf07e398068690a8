#include "hub/desired/yaml/node.h"
#include "tests/fuzz/fuzz.h"

namespace hivemind::tests {
namespace {

using hub::yaml::Node;

std::size_t checked(const Node& node) {
  require(node.location.line >= 1 && node.location.column >= 1, "a node has no place");
  require(node.is_sequence() || node.items.empty(), "what is no list has items");
  require(node.is_map() || node.members.empty(), "what is no map has members");
  if (node.is_scalar()) require(node.printed().size() <= node.scalar.size() + 32, "a scalar grew");
  std::size_t count = 1;
  for (const Node& item : node.items) count += checked(item);
  for (const auto& [key, value] : node.members) {
    require(key.is_scalar() && node.find(key.scalar) == &value, "a key is not unique");
    count += checked(key) + checked(value);
  }
  return count;
}

}  // namespace
}  // namespace hivemind::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hivemind;
  const std::string_view text = tests::text_of(data, size);
  const hub::yaml::Limits limits{.max_nodes = 2000};
  hub::Diagnostics diagnostics;
  const auto documents = hub::yaml::parse_all(text, "f.yml", diagnostics, limits);
  tests::require(documents.has_value() == diagnostics.empty(),
                 "refused without a reason, or in spite of one");
  if (!documents) return 0;
  std::size_t count = 0;
  for (const hub::yaml::Node& document : *documents) count += tests::checked(document);
  tests::require(count <= 2 * limits.max_nodes, "the limit of nodes is exceeded");
  return 0;
}
