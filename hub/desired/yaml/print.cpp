#include "hub/desired/yaml/print.h"

#include <algorithm>

#include <nlohmann/json.hpp>
#include <yaml-cpp/yaml.h>

#include "hub/desired/yaml/node.h"

namespace hivemind::hub::yaml {
namespace {

using nlohmann::json;

// Words that YAML 1.1 takes for truth values, and readers of it still do.
constexpr std::string_view kLegacyWords[] = {"y",  "Y",  "n",  "N",  "yes", "Yes", "YES", "no",
                                             "No", "NO", "on", "On", "ON",  "off", "Off", "OFF"};

// Plain only where nothing can be meant but a string: no number of any base, time, truth value or sign of
// YAML.
bool is_plain(const std::string& text) {
  if (text.empty() ||
      std::find(std::begin(kLegacyWords), std::end(kLegacyWords), text) != std::end(kLegacyWords))
    return false;
  Node node;
  node.kind = Kind::kScalar;
  node.scalar = text;
  node.plain = true;
  if (node.type() != Type::kString) return false;
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto harmless = [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' || c == '/' || c == '$';
  };
  return (letter(text.front()) || text.front() == '/') && std::all_of(text.begin(), text.end(), harmless);
}

void emit_text(YAML::Emitter& out, const std::string& text) {
  if (is_plain(text)) {
    out << text;
  } else {
    out << YAML::DoubleQuoted << text;
  }
}

void emit(YAML::Emitter& out, const json& value) {
  if (value.is_object()) {
    out << (value.empty() ? YAML::Flow : YAML::Block) << YAML::BeginMap;
    for (const auto& [key, item] : value.items()) {
      out << YAML::Key;
      emit_text(out, key);
      out << YAML::Value;
      emit(out, item);
    }
    out << YAML::EndMap;
  } else if (value.is_array()) {
    out << (value.empty() ? YAML::Flow : YAML::Block) << YAML::BeginSeq;
    for (const json& item : value) emit(out, item);
    out << YAML::EndSeq;
  } else if (value.is_string()) {
    emit_text(out, value.get_ref<const std::string&>());
  } else if (value.is_null()) {
    out << YAML::Null;
  } else {
    out << value.dump();  // true, 1, 1.5: the same in both
  }
}

}  // namespace

std::string print(const json& value) {
  YAML::Emitter out;
  emit(out, value);
  return std::string(out.c_str()) + "\n";
}

}  // namespace hivemind::hub::yaml
