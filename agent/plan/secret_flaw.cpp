#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/plan/desired.h"
#include "agent/plan/go_keys.h"
#include "agent/plan/secrets.h"

namespace hivemind::agent {
namespace {

using nlohmann::json;

bool names_secret(const std::string& text) {
  return !placeholders_in(text).empty();
}

std::string unlisted(const DesiredService& service, const std::string& text) {
  for (const std::string& id : placeholders_in(text)) {
    if (std::ranges::binary_search(service.secrets, id)) continue;
    return fmt::format("its definition names secret '{}', which it was not given", id);
  }
  return {};
}

// What the engine keeps under a name, and shows wherever the name goes, is no place for a value.
std::string flaw_of_keys(const json& value) {
  if (!value.is_structured()) return {};
  for (const auto& [key, inner] : value.items()) {
    if (value.is_object() && names_secret(key)) return "its definition has a secret in the name of a field";
    if (std::string flaw = flaw_of_keys(inner); !flaw.empty()) return flaw;
  }
  return {};
}

std::string flaw_of_labels(const json& body) {
  std::string flaw;
  each_member(body, "labels", [&](const json& labels) {
    if (!labels.is_object()) return;
    for (const auto& [key, value] : labels.items()) {
      if (!value.is_string() || !names_secret(value.get<std::string>())) continue;
      flaw = fmt::format(
          "its label '{}' has a secret in it, and labels are shown to everybody (use a variable or a file)",
          key);
    }
  });
  return flaw;
}

std::string flaw_of_hooks(const DesiredService& service) {
  for (const auto* hooks : {&service.post_start, &service.pre_stop}) {
    for (const Hook& hook : *hooks) {
      for (const auto* texts : {&hook.command, &hook.environment}) {
        for (const std::string& text : *texts) {
          if (std::string flaw = unlisted(service, text); !flaw.empty()) return flaw;
        }
      }
    }
  }
  return {};
}

}  // namespace

std::string secrets_flaw(const DesiredService& service) {
  if (std::string flaw = flaw_of_hooks(service); !flaw.empty()) return flaw;
  if (!names_secret(service.engine_body)) return {};
  if (std::string flaw = unlisted(service, service.engine_body); !flaw.empty()) return flaw;
  const json body = json::parse(service.engine_body, nullptr, false);
  if (!body.is_object()) return {};  // making it would say so
  if (std::string flaw = flaw_of_labels(body); !flaw.empty()) return flaw;
  return flaw_of_keys(body);
}

}  // namespace hivemind::agent
