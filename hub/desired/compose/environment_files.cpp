#include <fmt/format.h>

#include "hub/desired/compose/contents.h"
#include "hub/desired/env_file.h"
#include "hub/desired/secret_env_file.h"

namespace hivemind::hub::compose {
namespace {

// 'format: raw': every line is KEY=VALUE as it stands, nothing is quoted or expanded.
Variables parse_raw(std::string_view text) {
  Variables all;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::size_t equals = line.find('=');
    if (line.starts_with('#') || equals == std::string_view::npos || equals == 0) continue;
    all[std::string(line.substr(0, equals))] = line.substr(equals + 1);
  }
  return all;
}

using Values = std::map<std::string, std::optional<std::string>>;

// Variables inside an env file: the stack's first, then those of earlier files, then the service's own.
Lookup lookup_for(const Environment& environment, const Values& earlier, const Values& own) {
  return [&](std::string_view name) -> std::optional<std::string> {
    if (auto value = environment.get(name)) return value;
    for (const Values* values : {&earlier, &own}) {
      if (const auto found = values->find(std::string(name)); found != values->end() && found->second) {
        return found->second;
      }
    }
    return std::nullopt;
  };
}

std::optional<Variables> read_env_file(const EnvFile& file, const Lookup& lookup, Repository& repository,
                                       Reader& reader, UnsetVariables rule) {
  const Location& at = file.path.location;
  if (file.path.value.empty()) {
    reader.error(at, "compose.missing-key", "an env file needs a path");
    return std::nullopt;
  }
  const auto found = repository.find(file.path.value, at);
  if (!found) return std::nullopt;
  const EntryKind kind = found->entry.kind;
  if (kind == EntryKind::kAbsent && !file.required) return Variables{};
  if (kind != EntryKind::kFile && kind != EntryKind::kExecutable) {
    reader.error(at, "compose.missing-file",
                 fmt::format("env file '{}' is {}", found->asked,
                             kind == EntryKind::kAbsent ? "not in the repository" : "no file"),
                 "add it, or write 'required: false'");
    return std::nullopt;
  }
  const auto text = repository.text(found->entry, at);
  if (!text) return std::nullopt;
  if (is_sops_env_file(*text)) {
    return decrypt_env_file(*text, found->entry.path, lookup, repository.secret_book(), repository.secrets(),
                            reader.diagnostics());
  }
  if (file.raw) return parse_raw(*text);
  return parse_env_file(*text, found->entry.path, lookup, reader.diagnostics(), rule);
}

}  // namespace

void resolve_environment(Service& service, const Environment& environment, Repository& repository,
                         Reader& reader, UnsetVariables rule) {
  Values& own = service.environment.values;
  for (auto& [name, value] : own) {
    if (!value) value = environment.get(name);
  }
  Values merged;
  const Lookup lookup = lookup_for(environment, merged, own);
  for (const EnvFile& file : service.environment.files) {
    const auto variables = read_env_file(file, lookup, repository, reader, rule);
    if (!variables) continue;
    for (const auto& [name, value] : *variables) merged[name] = value;
  }
  for (auto& [name, value] : own) merged[name] = std::move(value);
  own = std::move(merged);
}

}  // namespace hivemind::hub::compose
