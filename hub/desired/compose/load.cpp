#include <fmt/format.h>

#include "common/error.h"
#include "hub/desired/compose/compose.h"
#include "hub/desired/compose/repository.h"

namespace hivemind::hub::compose {
namespace {

constexpr std::size_t kMaxComposeFiles = 32;

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::optional<yaml::Node> load_file(Repository& repository, const std::string& file, Reader& reader) {
  const Location at{file, 0, 0};
  const auto found = repository.find(file, at);
  if (!found) return std::nullopt;
  const EntryKind kind = found->entry.kind;
  if (kind != EntryKind::kFile && kind != EntryKind::kExecutable) {
    reader.error(at, "compose.missing-file",
                 kind == EntryKind::kAbsent ? "the Compose file is not in the repository"
                                            : "the Compose file is no file",
                 "check 'compose_file' in stacks.yml");
    return std::nullopt;
  }
  const auto text = repository.text(found->entry, at);
  if (!text) return std::nullopt;
  return yaml::parse(*text, file, reader.diagnostics());
}

}  // namespace

std::optional<Source> load(const Snapshot& snapshot, const std::string& stack,
                           const std::vector<std::string>& files, PathsRead& paths,
                           Diagnostics& diagnostics) {
  Reader reader(stack, diagnostics);
  Repository repository(snapshot, "", paths, reader);
  Source source{stack, {}, files.empty() ? "" : directory_of(files.front())};
  if (files.empty() || files.size() > kMaxComposeFiles) {
    reader.error({}, "compose.missing-file",
                 fmt::format("a stack has 1 to {} Compose files, found {}", kMaxComposeFiles, files.size()));
    return std::nullopt;
  }
  const std::size_t before = diagnostics.size();
  for (const std::string& file : files) {
    if (auto document = load_file(repository, file, reader)) source.documents.push_back(std::move(*document));
  }
  for (std::size_t i = before; i < diagnostics.size(); ++i) diagnostics[i].stack = stack;
  if (source.documents.size() != files.size()) return std::nullopt;
  return source;
}

}  // namespace hivemind::hub::compose
