#include <fmt/format.h>

#include "hub/desired/compose/contents.h"
#include "hub/desired/compose/keys/family.h"
#include "hub/desired/env_file.h"

namespace hivemind::hub::compose {
namespace {

std::optional<std::string> read_file(const Text& path, std::string_view what, Repository& repository,
                                     Reader& reader) {
  const auto found = repository.find(path.value, path.location);
  if (!found) return std::nullopt;
  if (found->entry.kind == EntryKind::kFile || found->entry.kind == EntryKind::kExecutable) {
    return repository.text(found->entry, path.location);
  }
  const bool absent = found->entry.kind == EntryKind::kAbsent;
  reader.error(path.location, "compose.missing-file",
               fmt::format("{} '{}' is {}", what, found->asked, absent ? "not in the repository" : "no file"),
               "add it, or correct the path");
  return std::nullopt;
}

// JSON without the white space between its parts, otherwise as it is.
std::string compact(std::string_view json) {
  std::string text;
  bool quoted = false, escaped = false;
  for (const char c : json) {
    if (!quoted && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) continue;
    text += c;
    if (c == '"' && !escaped) quoted = !quoted;
    escaped = quoted && c == '\\' && !escaped;
  }
  return text;
}

}  // namespace

// A variable in a label file is one of an earlier label: nothing else is in its reach.
void resolve_labels(Service& service, Repository& repository, Reader& reader) {
  TextMap merged;
  const Lookup lookup = [&](std::string_view name) -> std::optional<std::string> {
    const auto found = merged.find(std::string(name));
    return found == merged.end() ? std::nullopt : std::optional(found->second);
  };
  for (const Text& file : service.labels.files) {
    const auto text = read_file(file, "label file", repository, reader);
    if (!text) continue;
    const auto labels = parse_env_file(*text, file.value, lookup, reader.diagnostics());
    if (!labels) continue;
    for (const auto& [name, value] : *labels) {
      if (check_label(name, file.location, reader)) merged[name] = value;
    }
  }
  for (auto& [name, value] : service.labels.labels) merged[name] = std::move(value);
  service.labels.labels = std::move(merged);
}

void resolve_seccomp(Service& service, Repository& repository, Reader& reader) {
  for (auto& [option, profile] : service.security.seccomp) {
    const auto text = read_file(profile.path, "seccomp profile", repository, reader);
    if (!text) continue;
    if (nlohmann::json::accept(*text)) {
      profile.content = compact(*text);
    } else {
      reader.error(profile.path.location, "compose.invalid-value",
                   fmt::format("seccomp profile '{}' is no JSON", profile.path.value));
    }
  }
}

}  // namespace hivemind::hub::compose
