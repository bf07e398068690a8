#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>

#include <fmt/format.h>

#include "hub/desired/compose/keys/mounts.h"

namespace hivemind::hub::compose {
namespace {

constexpr std::array<std::string_view, 6> kPropagations{"private", "rprivate", "shared",
                                                        "rshared", "slave",    "rslave"};

bool is_path(std::string_view source) {
  return source.starts_with("/") || source.starts_with(".") || source.starts_with("~") ||
         is_windows_path(source);
}

BindOptions& bind_of(Mount& mount) {
  if (!mount.bind) mount.bind.emplace();
  return *mount.bind;
}

// Hints for Docker Desktop; a Linux engine has always ignored them.
bool is_consistency(std::string_view text) {
  return text == "cached" || text == "delegated" || text == "consistent" || text == "default";
}

// False for what is no option.
bool apply_option(std::string_view option, Mount& mount) {
  if (option == "ro" || option == "rw") {
    mount.read_only = option == "ro";
  } else if (option == "z" || option == "Z") {
    bind_of(mount).selinux = option;
  } else if (option == "nocopy") {
    mount.volume.emplace().no_copy = true;
  } else if (is_propagation(option)) {
    bind_of(mount).propagation = option;
  } else {
    return is_consistency(option);
  }
  return true;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// At ':', but for that of a Windows drive, which the reference takes for a part of a path, and those in
// "${}".
std::vector<std::string> split_mount(std::string_view text) {
  std::vector<std::string> parts;
  std::string part;
  int variables = 0;  // that this is in
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (text.substr(i).starts_with("${")) ++variables;
    if (c == '}' && variables > 0) --variables;
    const bool drive = part.size() == 1 && std::isalpha(static_cast<unsigned char>(part[0])) != 0;
    if (c == ':' && !drive && variables == 0) {
      parts.push_back(std::move(part));
      part.clear();
    } else {
      part += c;
    }
  }
  parts.push_back(std::move(part));
  return parts;
}

// Unknown options are ignored by the reference, too, but there in silence.
void apply_options(const yaml::Node& node, std::string_view options, Mount& mount, Reader& reader) {
  for (const std::string& option : split(options, ',')) {
    if (apply_option(option, mount)) continue;
    reader.warning(node.location, "compose.ignored-option",
                   fmt::format("option '{}' of mount '{}' is not known and ignored", option, node.scalar),
                   "options are ro, rw, z, Z, nocopy and what propagation there is");
  }
}

}  // namespace

bool is_propagation(std::string_view text) {
  return std::ranges::find(kPropagations, text) != kPropagations.end();
}

bool is_windows_path(std::string_view text) {
  const bool drive =
      text.size() > 1 && std::isalpha(static_cast<unsigned char>(text[0])) != 0 && text[1] == ':';
  return drive || text.starts_with("\\\\");
}

std::string clean_target(const std::string& target) {
  std::string clean = std::filesystem::path(target).lexically_normal().string();
  while (clean.size() > 1 && clean.ends_with('/')) clean.pop_back();
  if (clean.starts_with("//")) clean.erase(0, 1);
  return clean;
}

std::optional<Mount> read_short_mount(const yaml::Node& node, Reader& reader) {
  const auto text = reader.text(node);
  if (!text) return std::nullopt;
  const auto refuse = [&](std::string_view expected, std::string remedy = {}) {
    reader.invalid(node, expected, std::move(remedy));
    return std::nullopt;
  };
  const std::vector<std::string> parts = split_mount(*text);
  if (parts.size() > 3)
    return refuse("'[source:]target[:options]'", "use the long form for paths with a ':'");
  for (const std::string& part : parts) {
    if (part.empty())
      return refuse("'[source:]target[:options]' without an empty part", "is a variable unset?");
  }
  Mount mount;
  mount.target = parts.size() == 1 ? parts[0] : parts[1];
  if (parts.size() > 1) mount.source = parts[0];
  if (parts.size() > 2) apply_options(node, parts[2], mount, reader);
  if (is_path(mount.source)) {
    mount.kind = MountKind::kBind;
    bind_of(mount).create_host_path = true;
  } else if (!mount.volume) {
    mount.volume.emplace();
  }
  return mount;
}

}  // namespace hivemind::hub::compose
