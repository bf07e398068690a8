#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hub/desired/diagnostic.h"
#include "hub/desired/fleet.h"
#include "hub/desired/yaml/node.h"

// What the parts of stacks.yml are read with. Internal to load_fleet.
namespace hivemind::hub {

class FleetReader {
 public:
  // diagnostics must outlive it.
  explicit FleetReader(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  // The stack that diagnostics are about from now on; empty: none.
  void set_stack(std::string name) { stack_ = std::move(name); }

  void error(const Location& at, std::string_view code, std::string message, std::string remedy = {});
  void warning(const Location& at, std::string_view code, std::string message, std::string remedy = {});
  bool failed() const { return failed_; }

  // These say what was expected under which name when the node is something else.
  bool is_map(const yaml::Node& node, std::string_view name);
  bool is_list(const yaml::Node& node, std::string_view name);
  std::optional<std::string> text(const yaml::Node& node, std::string_view name);
  std::optional<bool> boolean(const yaml::Node& node, std::string_view name);
  std::vector<std::string> text_or_texts(const yaml::Node& node, std::string_view name);  // none: an error
  std::vector<std::string> texts(const yaml::Node& node, std::string_view name);          // none: an error
  Labels labels(const yaml::Node& node, std::string_view name);
  // secrets: those that are written 'NAME: {secret: SECRET}'.
  Variables variables(const yaml::Node& node, std::string_view name, SecretVariables& secrets);

  // Keys that start with 'x-' are the user's own.
  void refuse_unknown_keys(const yaml::Node& map, std::span<const std::string_view> known);
  void wrong_type(const yaml::Node& node, std::string_view name, std::string_view expected,
                  std::string remedy = {});

 private:
  void secret_variable(const yaml::Node& node, const std::string& name, SecretVariables& secrets);
  void add(Severity severity, const Location& at, std::string_view code, std::string message,
           std::string remedy);

  Diagnostics& diagnostics_;
  std::string stack_;
  bool failed_ = false;
};

Selector read_selector(const yaml::Node& node, FleetReader& reader);

RolloutPolicy read_rollout(const std::string& name, const yaml::Node& node, FleetReader& reader);

}  // namespace hivemind::hub
