#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "common/file.h"
#include "hub/desired/compose/compose.h"
#include "hub/desired/directory_snapshot.h"
#include "hub/desired/env_file.h"
#include "tests/support/catch.h"

// Real Compose files that nobody here wrote: <folder>/compose/NN-name/compose.yml, where HIVEMIND_CORPUS
// names the folder.
namespace hivemind::hub::compose {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> directories_of_corpus() {
  std::vector<fs::path> all;
  const char* corpus = std::getenv("HIVEMIND_CORPUS");
  if (corpus == nullptr) return all;
  for (const auto& entry : fs::directory_iterator(fs::path(corpus) / "compose")) {
    if (fs::exists(entry.path() / "compose.yml")) all.push_back(entry.path());
  }
  std::sort(all.begin(), all.end());
  return all;
}

Variables variables_of(const fs::path& directory) {
  const fs::path file = directory / ".env";
  Diagnostics ignored;
  if (!fs::exists(file)) return {};
  return parse_env_file(read_file(file), ".env", Environment({}), ignored).value_or(Variables{});
}

TEST_CASE("every real Compose file compiles or says where it is wrong") {
  std::size_t compiled = 0;
  const std::vector<fs::path> directories = directories_of_corpus();
  for (const fs::path& directory : directories) {
    const std::string name = directory.filename().string();
    INFO(name);
    const DirectorySnapshot snapshot(directory);
    PathsRead paths;
    Diagnostics diagnostics;
    std::optional<CompiledRelease> release;
    const Environment environment(variables_of(directory));
    const auto source = load(snapshot, "corpus", {"compose.yml"}, paths, diagnostics);
    if (source)
      release = compile(*source, environment, {.unset_variables = UnsetVariables::kWarn}, snapshot, paths,
                        diagnostics);
    if (release) ++compiled;
    CHECK(release.has_value() == !has_errors(diagnostics));
    for (const Diagnostic& one : diagnostics) {
      INFO(to_text(one));
      CHECK(one.location.line > 0);
      CHECK(one.location.column > 0);
      if (one.severity == Severity::kError) std::cout << name << ": " << to_text(one) << "\n";
    }
  }
  if (!directories.empty()) fmt::print("{} of {} Compose files compile\n", compiled, directories.size());
}

}  // namespace
}  // namespace hivemind::hub::compose
