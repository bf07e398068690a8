#include "hub/desired/compose/file_cache.h"

#include <fmt/format.h>

#include "hub/desired/compose/repository.h"

namespace hivemind::hub::compose {

FileCache::File* FileCache::find(const Request& request, Need need, const Snapshot& snapshot,
                                 PathsRead& paths, Reader& reader) {
  if (const auto known = files_.find(request.path); known != files_.end()) {
    paths.insert(known->second.paths.begin(), known->second.paths.end());
    return &known->second;
  }
  File file;
  Repository repository(snapshot, "", file.paths, reader);
  const auto found = repository.find(request.path, request.at);
  paths.insert(file.paths.begin(), file.paths.end());
  if (!found) return nullptr;
  const EntryKind kind = found->entry.kind;
  if (kind != EntryKind::kFile && kind != EntryKind::kExecutable) {
    if (kind == EntryKind::kAbsent && need == Need::kOptional) return nullptr;
    reader.error(request.at, "compose.missing-file",
                 fmt::format("{} '{}' is {}", request.what, request.path,
                             kind == EntryKind::kAbsent ? "not in the repository" : "no file"),
                 std::string(request.remedy));
    return nullptr;
  }
  auto text = repository.text(found->entry, request.at);
  if (!text) return nullptr;
  file.text = std::move(*text);
  return &files_.emplace(request.path, std::move(file)).first->second;
}

const std::vector<yaml::Node>* FileCache::documents(const Request& request, const Snapshot& snapshot,
                                                    PathsRead& paths, Reader& reader) {
  File* file = find(request, Need::kRequired, snapshot, paths, reader);
  if (file == nullptr) return nullptr;
  if (!file->parsed) {
    file->documents = yaml::parse_all(file->text, request.path, file->diagnostics);
    file->parsed = true;
  }
  Diagnostics& said = reader.diagnostics();
  said.insert(said.end(), file->diagnostics.begin(), file->diagnostics.end());
  return file->documents ? &*file->documents : nullptr;
}

const std::string* FileCache::text(const Request& request, Need need, const Snapshot& snapshot,
                                   PathsRead& paths, Reader& reader) {
  const File* file = find(request, need, snapshot, paths, reader);
  return file == nullptr ? nullptr : &file->text;
}

}  // namespace hivemind::hub::compose
