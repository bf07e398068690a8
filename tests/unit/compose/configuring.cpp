#include "tests/unit/compose/configuring.h"

#include <algorithm>

#include "common/file.h"
#include "hub/desired/compose/config.h"
#include "hub/desired/directory_snapshot.h"
#include "hub/desired/env_file.h"

namespace hivemind::tests {
namespace {

namespace fs = std::filesystem;

hub::Variables variables_of(const ModelCase& one) {
  const fs::path file = one.directory / ".env";
  hub::Diagnostics ignored;
  hub::Variables variables;
  if (fs::exists(file)) {
    const std::string text = read_file(file);
    variables = hub::parse_env_file(text, ".env", hub::Environment({}), ignored).value_or(hub::Variables{});
  }
  variables["HOME"] = "/nonexistent";
  variables["COMPOSE_PROJECT_NAME"] = one.accepted ? one.expected["name"].get<std::string>() : "project";
  return variables;
}

}  // namespace

std::vector<ModelCase> model_cases(const fs::path& directory) {
  std::vector<ModelCase> all;
  if (!fs::exists(directory)) return all;
  for (const auto& entry : fs::directory_iterator(directory)) {
    const fs::path& path = entry.path();
    const bool accepted = fs::exists(path / "expected.json");
    if (!fs::exists(path / "compose.yml") || (!accepted && !fs::exists(path / "expected.err"))) continue;
    ModelCase one{path, path.filename().string(), accepted, {}};
    if (accepted) one.expected = nlohmann::json::parse(read_file(path / "expected.json"));
    all.push_back(std::move(one));
  }
  std::ranges::sort(all, {}, &ModelCase::name);
  return all;
}

std::string Configured::errors() const {
  std::string text;
  for (const hub::Diagnostic& one : diagnostics) {
    if (one.severity != hub::Severity::kError) continue;
    if (!text.empty()) text += "; ";
    text += hub::to_text(one);
  }
  return text;
}

Configured configure(const ModelCase& one, hub::compose::Consistency consistency) {
  using namespace hub::compose;
  Configured result;
  const hub::DirectorySnapshot snapshot(one.directory);
  const hub::Environment environment(variables_of(one));
  const std::string name = *environment.get("COMPOSE_PROJECT_NAME");
  PathsRead paths;
  const auto source = load(snapshot, name, {"compose.yml"}, paths, result.diagnostics);
  if (!source) return result;
  const Options options{.unset_variables = hub::UnsetVariables::kWarn};
  result.model = config(*source, environment, options, snapshot, "/project", consistency, ModelFormat::kJson,
                        paths, result.diagnostics);
  return result;
}

}  // namespace hivemind::tests
