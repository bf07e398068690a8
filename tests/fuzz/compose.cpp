#include "hub/desired/compiler.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/memory_snapshot.h"

// A whole repository: lines "=== PATH" begin its files. It is compiled for two nodes.
namespace hivemind::tests {
namespace {

constexpr std::string_view kMark = "=== ";

MemorySnapshot snapshot_of(std::string_view text) {
  MemorySnapshot snapshot;
  std::string path = "stacks.yml", content;
  const auto keep = [&] {
    const bool is_path = !path.empty() && path.front() != '/' && path.find("..") == std::string::npos &&
                         path.find("//") == std::string::npos && path.back() != '/';
    if (is_path) snapshot.file(path, content);
    content.clear();
  };
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (line.starts_with(kMark)) {
      keep();
      path = line.substr(kMark.size());
    } else {
      content.append(line).push_back('\n');
    }
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  keep();
  return snapshot;
}

void check(const hub::Compilation& compilation) {
  require(compilation.valid || !compilation.diagnostics.empty(), "refused without a diagnostic");
  if (!compilation.valid) return;
  require(compilation.nodes.size() >= 2, "a node is missing");
  for (const auto& [node, assignments] : compilation.nodes) {
    for (const hub::Assignment& assignment : assignments) {
      require(assignment.release || !compilation.diagnostics.empty(),
              "a stack is missing without a diagnostic");
      if (assignment.release)
        require(assignment.release->release.stack() == assignment.stack, "a release is another stack's");
    }
  }
}

}  // namespace
}  // namespace hivemind::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hivemind;
  const tests::MemorySnapshot snapshot = tests::snapshot_of(tests::text_of(data, size));
  const std::vector<hub::NodeIdentity> nodes{{"pi-1", {{"site", "berlin"}}}, {"pi-2", {{"site", "paris"}}}};
  hub::Compiler compiler("");
  const hub::Compilation first = compiler.compile(snapshot, nodes, std::nullopt);
  tests::check(first);
  const hub::Compilation again = compiler.compile(snapshot, nodes, std::set<std::string>());
  tests::require(first.diagnostics.size() == again.diagnostics.size() && again.compiled == 0,
                 "the same repository compiles otherwise the second time");
  return 0;
}
