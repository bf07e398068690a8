#include "tests/unit/compose/compiling.h"

#include <fmt/format.h>

#include "common/digest.h"
#include "tests/support/catch.h"

namespace hivemind::tests {
namespace {

template <typename T>
const T& find(const google::protobuf::RepeatedPtrField<T>& all, std::string_view name, auto key) {
  for (const T& one : all) {
    if (key(one) == name) return one;
  }
  FAIL("there is no '" << name << "'");
  throw std::logic_error("unreachable");
}

// Ids that change with the values, as a hub's do.
class Book : public hub::AssumedSecrets {
 public:
  std::string id(std::string_view name, std::string_view value) const override {
    return sha256_hex(std::string(name) + "=" + std::string(value)).substr(0, 32);
  }
};

std::string list(const hub::Diagnostics& diagnostics, hub::Severity severity) {
  std::string text;
  for (const hub::Diagnostic& one : diagnostics) {
    if (one.severity != severity) continue;
    CHECK(one.stack == "web");
    if (!text.empty()) text += "\n";
    if (one.location.file != "web/compose.yml") text += one.location.file + ":";
    text += fmt::format("{}:{} {}", one.location.line, one.location.column, one.code);
  }
  return text;
}

}  // namespace

const v1::Service& Compiled::service(std::string_view name) const {
  INFO(errors());
  REQUIRE(result.has_value());
  return find(result->release.services(), name, [](const auto& one) { return one.name(); });
}

const v1::Network& Compiled::network(std::string_view key) const {
  INFO(errors());
  REQUIRE(result.has_value());
  return find(result->release.networks(), key, [](const auto& one) { return one.key(); });
}

const v1::Volume& Compiled::volume(std::string_view key) const {
  INFO(errors());
  REQUIRE(result.has_value());
  return find(result->release.volumes(), key, [](const auto& one) { return one.key(); });
}

nlohmann::json Compiled::body(std::string_view name) const {
  return json(service(name).engine_body());
}

nlohmann::json Compiled::host(std::string_view name) const {
  return body(name).at("HostConfig");
}

std::string Compiled::errors() const {
  return list(diagnostics, hub::Severity::kError);
}

std::string Compiled::warnings() const {
  return list(diagnostics, hub::Severity::kWarning);
}

std::string Compiled::message(std::string_view code) const {
  for (const hub::Diagnostic& one : diagnostics) {
    if (one.code == code)
      return one.remedy.empty() ? one.message : fmt::format("{} ({})", one.message, one.remedy);
  }
  return "";
}

Compiled compile(MemorySnapshot repository, const std::vector<std::string>& files,
                 const hub::Variables& variables) {
  Compiled compiled;
  const auto source = hub::compose::load(repository, "web", files, compiled.paths, compiled.diagnostics);
  if (!source) return compiled;
  const hub::Environment environment(variables);
  const Book book;
  const hub::compose::Options options{.unset_variables = hub::UnsetVariables::kWarn, .secrets = &book};
  compiled.result =
      hub::compose::compile(*source, environment, options, repository, compiled.paths, compiled.diagnostics);
  CHECK(compiled.result.has_value() == !hub::has_errors(compiled.diagnostics));
  return compiled;
}

Compiled compile(const std::string& compose_file, const hub::Variables& variables) {
  return compile(MemorySnapshot{{"web/compose.yml", compose_file}}, {"web/compose.yml"}, variables);
}

Compiled compile_service(const std::string& lines, const std::string& top_level,
                         const hub::Variables& variables) {
  return compile("services:\n  app:\n    image: nginx:1\n" + lines + top_level, variables);
}

nlohmann::json json(std::string_view text) {
  return nlohmann::json::parse(text);
}

}  // namespace hivemind::tests
