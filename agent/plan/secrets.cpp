#include "agent/plan/secrets.h"

#include <algorithm>

#include "agent/plan/desired.h"

namespace hivemind::agent {
namespace {

constexpr std::string_view kOpening = "@{hivemind-secret:";

bool has_secret_files(const DesiredService& service) {
  return std::ranges::any_of(service.mounts, &DesiredMount::is_secret);
}

}  // namespace

bool is_secret_id(std::string_view text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::set<std::string> secrets_of(const DesiredService& service) {
  std::set<std::string> ids(service.secrets.begin(), service.secrets.end());
  for (const DesiredMount& mount : service.mounts) {
    for (const DesiredFile& file : mount.files) {
      if (!file.secret.empty()) ids.insert(file.secret);
    }
  }
  return ids;
}

std::set<std::string> secrets_of(const DesiredStack& stack) {
  std::set<std::string> ids;
  for (const DesiredService& service : stack.services) ids.merge(secrets_of(service));
  return ids;
}

std::set<std::string> secrets_named_in(const std::string& release) {
  std::set<std::string> ids;
  v1::Release message;
  if (release.empty() || !message.ParseFromString(release)) return ids;
  for (const v1::Service& service : message.services()) {
    ids.insert(service.secrets().begin(), service.secrets().end());
    for (const v1::FileMount& mount : service.file_mounts()) {
      for (const v1::FileEntry& entry : mount.entries()) {
        if (!entry.secret().empty()) ids.insert(entry.secret());
      }
    }
  }
  return ids;
}

std::string secrets_trouble(const DesiredService& service, const SecretTroubles& troubles) {
  if (!service.secrets_flaw.empty()) return service.secrets_flaw;
  const auto said_of = [](const std::map<std::string, std::string>& by_id, const std::string& id) {
    const auto found = by_id.find(id);
    return found == by_id.end() ? std::string() : found->second;
  };
  for (const std::string& id : secrets_of(service)) {
    if (std::string trouble = said_of(troubles.unavailable, id); !trouble.empty()) return trouble;
  }
  for (const std::string& id : service.secrets) {
    if (std::string trouble = said_of(troubles.no_text, id); !trouble.empty()) return trouble;
  }
  return has_secret_files(service) ? troubles.no_place : "";
}

std::string with_secrets(std::string_view text,
                         const std::function<std::string(std::string_view id)>& on_placeholder) {
  std::string result;
  for (;;) {
    const std::size_t begin = text.find(kOpening);
    result += text.substr(0, begin);
    if (begin == std::string_view::npos) return result;
    text.remove_prefix(begin + kOpening.size());
    const std::size_t end = std::min(text.find('}'), text.size());
    result += on_placeholder(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::set<std::string> placeholders_in(std::string_view text) {
  std::set<std::string> ids;
  with_secrets(text, [&](std::string_view id) {
    ids.emplace(id);
    return std::string();
  });
  return ids;
}

}  // namespace hivemind::agent
