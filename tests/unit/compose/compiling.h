#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "hub/desired/compose/compose.h"
#include "tests/support/memory_snapshot.h"

namespace hivemind::tests {

// What became of a stack's Compose files: a release, diagnostics, or both.
struct Compiled {
  std::optional<hub::CompiledRelease> result;
  hub::Diagnostics diagnostics;
  hub::compose::PathsRead paths;

  const v1::Service& service(std::string_view name) const;
  const v1::Network& network(std::string_view key) const;
  const v1::Volume& volume(std::string_view key) const;
  nlohmann::json body(std::string_view service) const;  // of POST /containers/create
  nlohmann::json host(std::string_view service) const;  // its HostConfig

  // "line:column error code", each on a line; for what stands in another file than the first, with the file
  // before.
  std::string errors() const;
  std::string warnings() const;
  // Message and remedy of the first diagnostic with that code; empty: there is none.
  std::string message(std::string_view code) const;
};

// The stack 'web', whose Compose file is web/compose.yml of the repository.
Compiled compile(const std::string& compose_file, const hub::Variables& variables = {});
Compiled compile(MemorySnapshot repository, const std::vector<std::string>& files,
                 const hub::Variables& variables = {});
// One service 'app' of image 'nginx:1', with these further lines, each indented by four. The first is line 4.
Compiled compile_service(const std::string& lines, const std::string& top_level = "",
                         const hub::Variables& variables = {});

nlohmann::json json(std::string_view text);

}  // namespace hivemind::tests
