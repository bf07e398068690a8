#include "hub/cli/sample_nodes.h"

#include <algorithm>

#include <fmt/format.h>

namespace hivemind::hub::cli {
namespace {

class Samples {
 public:
  explicit Samples(const Fleet& fleet) {
    for (const auto& [id, entry] : fleet.nodes) nodes_[id] = entry.labels;
    for (const StackEntry& stack : fleet.stacks) {
      for (const std::string& id : stack.nodes.ids) nodes_[id];
    }
    for (const StackEntry& stack : fleet.stacks) cover(stack.nodes);
  }

  std::vector<NodeIdentity> list() const {
    std::vector<NodeIdentity> result;
    for (const auto& [id, labels] : nodes_) result.push_back({id, labels});
    return result;
  }

 private:
  // role: [kiosk, wall] asks for two nodes, as a stack may read the label that selected it.
  void cover(const Selector& selector) {
    std::size_t choices = 1;
    for (const auto& [key, values] : selector.labels) choices = std::max(choices, values.size());
    for (std::size_t choice = 0; choice < choices; ++choice) {
      Labels wanted;
      for (const auto& [key, values] : selector.labels) {
        if (!values.empty()) wanted[key] = values[std::min(choice, values.size() - 1)];
      }
      if (!is_covered(selector, wanted)) add(selector, wanted);
    }
  }

  bool is_covered(const Selector& selector, const Labels& wanted) const {
    return std::ranges::any_of(nodes_, [&](const auto& node) {
      const auto has = [&](const auto& label) {
        const auto found = node.second.find(label.first);
        return found != node.second.end() && found->second == label.second;
      };
      return selector.selects({node.first, node.second}) && std::ranges::all_of(wanted, has);
    });
  }

  // With ids, only a node of these ids is selected: one whose labels do not say otherwise is taken to report
  // them.
  void add(const Selector& selector, const Labels& wanted) {
    for (const std::string& id : selector.ids) {
      Labels labels = nodes_[id];
      labels.insert(wanted.begin(), wanted.end());
      if (!selector.selects({id, labels})) continue;
      nodes_[id] = std::move(labels);
      return;
    }
    if (!selector.ids.empty()) return;
    std::string id;
    do id = fmt::format("lint-{}", ++last_);
    while (nodes_.contains(id));
    nodes_[id] = wanted;
  }

  std::map<std::string, Labels> nodes_;
  int last_ = 0;
};

}  // namespace

std::vector<NodeIdentity> sample_nodes(const Fleet& fleet) {
  return Samples(fleet).list();
}

}  // namespace hivemind::hub::cli
