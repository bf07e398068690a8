#include "hub/desired/compose/secrets.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hivemind::hub::compose {
namespace {

using yaml::Node;

// The keys of a service that may hold values of secrets: the node fills them in. Labels are not among them:
// engines show those to everybody.
constexpr std::array<std::string_view, 12> kAllowed = {"annotations",        "command",
                                                       "entrypoint",         "environment",
                                                       "healthcheck.test",   "user",
                                                       "working_dir",        "logging.options",
                                                       "post_start.command", "post_start.environment",
                                                       "pre_stop.command",   "pre_stop.environment"};

bool is_allowed(const std::string& path) {
  return std::ranges::any_of(kAllowed, [&](std::string_view key) {
    return path == key || (path.starts_with(key) && path[key.size()] == '.');
  });
}

class Misplaced {
 public:
  explicit Misplaced(Reader& reader) : reader_(reader) {}

  void look_at(const Node& document) {
    for (const auto& [key, value] : document.members) {
      if (key.scalar == "services") {
        look_at_services(value);
      } else if (key.scalar == "secrets") {
        continue;  // of a secret only the names of files and variables matter
      } else if (!is_extension(key.scalar)) {
        refuse_below(value, key.scalar);
      }
    }
  }

 private:
  static bool is_extension(const std::string& key) { return key.starts_with("x-") && key != "x-hivemind"; }

  void look_at_services(const Node& services) {
    for (const auto& [name, service] : services.members) {
      const Reader::Scope scope = reader_.in_service(name.scalar);
      for (const auto& [key, value] : service.members) {
        if (!is_extension(key.scalar)) look_below(value, key.scalar);
      }
    }
  }

  void look_below(const Node& node, const std::string& path) {
    if (is_allowed(path)) return;
    if (node.is_scalar()) return check(node, path);
    for (const Node& item : node.items) look_below(item, path);
    for (const auto& [key, value] : node.members) look_below(value, path + "." + key.scalar);
  }

  void refuse_below(const Node& node, const std::string& path) {
    if (node.is_scalar()) return check(node, path);
    for (const Node& item : node.items) refuse_below(item, path);
    for (const auto& [key, value] : node.members) {
      if (!is_extension(key.scalar)) refuse_below(value, path + "." + key.scalar);
    }
  }

  void check(const Node& node, const std::string& path) {
    if (!has_secret_placeholder(node.scalar) || !told_.insert(node.location).second) return;
    const bool is_content = path.starts_with("configs.");
    reader_.error(node.location, "compose.secret-misplaced",
                  fmt::format("'{}' cannot hold the value of a secret", path),
                  is_content ? "make it one of the top-level 'secrets'"
                             : fmt::format("secrets may stand in '{}', or be files by 'secrets'; here give "
                                           "the variable as it is",
                                           fmt::join(kAllowed, "', '")));
  }

  Reader& reader_;
  std::set<Location> told_;  // an alias repeats what stands at its anchor
};

}  // namespace

// A config that is made of a variable; and a secret that is made of one which holds more than a secret.
void check_secret_contents(const Project& project, const Environment& environment, Reader& reader) {
  for (const auto& [key, config] : project.configs) {
    if (config.environment.empty() || !config.content || !has_secret_placeholder(*config.content)) continue;
    reader.error(
        config.location, "compose.secret-misplaced",
        fmt::format("config '{}' is made of variable '{}', which is a secret", key, config.environment),
        "make it one of the top-level 'secrets'");
  }
  for (const auto& [key, secret] : project.secrets) {
    if (!secret.content || !has_secret_placeholder(*secret.content)) continue;
    const auto id = as_placeholder(*secret.content);
    if (id && environment.offers(*id)) continue;
    if (id) {
      refuse_placeholder(secret.location, *id, reader);
      continue;
    }
    reader.error(secret.location, "compose.secret-misplaced",
                 fmt::format("secret '{}' is made of variable '{}', which holds more than one secret's value",
                             key, secret.environment),
                 "set the whole content as one secret, and make it 'external'");
  }
}

void refuse_placeholder(const Location& at, std::string_view id, Reader& reader) {
  reader.error(at, "compose.secret-placeholder",
               fmt::format("'{}' is nothing to write into a file", secret_placeholder(id)),
               "use a variable that is marked as a secret in stacks.yml");
}

void resolve_secrets(Project& project, const Environment& environment, Reader& reader) {
  for (const auto& [name, service] : project.services) {
    const Reader::Scope scope = reader.in_service(name);
    std::set<std::string> told;
    for (const ConfigUse& use : service.mounts.secrets) {
      const auto found = project.secrets.find(use.source.value);
      if (found == project.secrets.end() || !found->second.external) continue;
      Config& secret = found->second;
      if (const auto id = environment.secret(secret.name)) {
        secret.content = secret_placeholder(*id);
        continue;
      }
      if (!told.insert(secret.name).second) continue;
      const Diagnostic missing = missing_secret(secret.name, use.source.location);
      reader.error(missing.location, missing.code, missing.message, missing.remedy);
    }
  }
}

bool secrets_are_well_placed(const Node& document, Reader& reader) {
  const int errors_before = reader.errors();
  Misplaced(reader).look_at(document);
  return reader.errors() == errors_before;
}

Diagnostic missing_secret(std::string_view name, const Location& at) {
  if (!is_secret_name(name)) {
    return {.code = "compose.missing-secret",
            .location = at,
            .message = fmt::format("'{}' is no name for a secret", name),
            .remedy = "use up to 63 letters, digits, '.', '-' and '_'"};
  }
  return {.code = "compose.missing-secret",
          .location = at,
          .message = fmt::format("the hub has no secret '{}' for this stack here", name),
          .remedy = fmt::format("set it with 'hivemind secret set {} --file FILE'", name)};
}

}  // namespace hivemind::hub::compose
