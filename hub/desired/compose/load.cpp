#include <fmt/format.h>

#include "hub/desired/compose/compose.h"
#include "hub/desired/compose/file_cache.h"
#include "hub/desired/compose/paths.h"

namespace hivemind::hub::compose {
namespace {

constexpr std::size_t kMaxComposeFiles = 32;

}  // namespace

std::optional<Source> load(const Snapshot& snapshot, const std::string& stack,
                           const std::vector<std::string>& files, PathsRead& paths,
                           Diagnostics& diagnostics) {
  Reader reader(stack, diagnostics);
  Source source{stack, {}, files.empty() ? "" : directory_of(files.front()), std::make_shared<FileCache>()};
  if (files.empty() || files.size() > kMaxComposeFiles) {
    reader.error({}, "compose.missing-file",
                 fmt::format("a stack has 1 to {} Compose files, found {}", kMaxComposeFiles, files.size()));
    return std::nullopt;
  }
  const std::size_t before = diagnostics.size();
  bool complete = true;
  for (const std::string& file : files) {
    const FileCache::Request request{
        file, "Compose file", {file, 0, 0}, "check 'compose_file' in stacks.yml"};
    const auto* documents = source.files->documents(request, snapshot, paths, reader);
    if (documents == nullptr)
      complete = false;
    else
      source.documents.insert(source.documents.end(), documents->begin(), documents->end());
  }
  for (std::size_t i = before; i < diagnostics.size(); ++i) diagnostics[i].stack = stack;
  if (!complete) return std::nullopt;
  return source;
}

}  // namespace hivemind::hub::compose
