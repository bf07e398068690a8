#include "hub/redaction.h"

#include <nlohmann/json.hpp>

namespace hivemind::hub {
namespace {

// One that is found in another string is no reason to change names of members.
void redact(nlohmann::json& json, const Redactor& redactor) {
  if (json.is_string()) redactor.redact(json.get_ptr<std::string*>());
  if (!json.is_structured()) return;
  for (nlohmann::json& one : json) redact(one, redactor);
}

}  // namespace

std::string redacted_json(std::string text, const Redactor& redactor) {
  std::string changed = text;
  if (!redactor.redact(&changed)) return text;
  nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) return changed;
  redact(json, redactor);
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace hivemind::hub
