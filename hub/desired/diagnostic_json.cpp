#include "hub/desired/diagnostic_json.h"

#include <iterator>
#include <map>

namespace hivemind::hub {
namespace {

using nlohmann::json;

constexpr const char* kSchema = "https://json.schemastore.org/sarif-2.1.0.json";

// The codes that occur, each with the first diagnostic of that code, in order of name.
using Rules = std::map<std::string, const Diagnostic*>;

Rules rules_of(const Diagnostics& diagnostics) {
  Rules rules;
  for (const Diagnostic& one : diagnostics) rules.emplace(one.code, &one);
  return rules;
}

const char* level_of(const Diagnostic& diagnostic) {
  return diagnostic.severity == Severity::kError ? "error" : "warning";
}

json rule_json(const std::string& code, const Diagnostic& first) {
  json rule = {{"id", code},
               {"shortDescription", {{"text", code}}},
               {"defaultConfiguration", {{"level", level_of(first)}}}};
  if (!first.remedy.empty()) rule["help"] = {{"text", first.remedy}};
  return rule;
}

// A line of 0 means the file as a whole, for which SARIF has no region.
json location_json(const Location& location) {
  json physical = {{"artifactLocation", {{"uri", location.file}, {"uriBaseId", "ROOT"}}}};
  if (location.line > 0) {
    physical["region"] = {{"startLine", location.line}};
    if (location.column > 0) physical["region"]["startColumn"] = location.column;
  }
  return {{"physicalLocation", physical}};
}

json result_json(const Diagnostic& one, const Rules& rules) {
  const auto rule = rules.find(one.code);
  std::string text = one.message;
  if (!one.remedy.empty()) text += " (" + one.remedy + ")";
  json result = {
      {"ruleId", one.code},
      {"ruleIndex", std::distance(rules.begin(), rule)},
      {"level", level_of(one)},
      {"message", {{"text", text}}},
      {"properties",
       {{"stack", one.stack}, {"service", one.service}, {"remedy", one.remedy}, {"nodes", one.nodes}}}};
  if (!one.location.file.empty()) result["locations"] = json::array({location_json(one.location)});
  return result;
}

}  // namespace

json diagnostic_json(const Diagnostic& diagnostic) {
  return {{"severity", to_string(diagnostic.severity)},
          {"code", diagnostic.code},
          {"file", diagnostic.location.file},
          {"line", diagnostic.location.line},
          {"column", diagnostic.location.column},
          {"stack", diagnostic.stack},
          {"service", diagnostic.service},
          {"message", diagnostic.message},
          {"remedy", diagnostic.remedy},
          {"nodes", diagnostic.nodes},
          {"text", to_text(diagnostic)}};
}

json diagnostics_json(const Diagnostics& diagnostics) {
  json list = json::array();
  for (const Diagnostic& diagnostic : diagnostics) list.push_back(diagnostic_json(diagnostic));
  return list;
}

json to_sarif(const Diagnostics& diagnostics, const std::string& version) {
  const Rules rules = rules_of(diagnostics);
  json driver = {{"name", "hivemind"}, {"version", version}, {"rules", json::array()}};
  for (const auto& [code, first] : rules) driver["rules"].push_back(rule_json(code, *first));
  json results = json::array();
  for (const Diagnostic& one : diagnostics) results.push_back(result_json(one, rules));
  json run = {{"tool", {{"driver", driver}}}, {"columnKind", "unicodeCodePoints"}, {"results", results}};
  return {{"$schema", kSchema}, {"version", "2.1.0"}, {"runs", json::array({run})}};
}

}  // namespace hivemind::hub
