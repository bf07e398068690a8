#include "hub/desired/sealed_secrets.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/error.h"
#include "hub/desired/yaml/node.h"

namespace hivemind::hub {
namespace {

constexpr yaml::Limits kLimits{.max_bytes = 8u << 20, .max_depth = 4, .max_nodes = 100'000};
constexpr std::string_view kHowToMake = "make the line with 'hivemind secret seal'";

class SealedFile {
 public:
  SealedFile(const SecretBook& book, Diagnostics& diagnostics) : book_(book), diagnostics_(diagnostics) {}

  SealedSecrets read(const yaml::Node& root) {
    SealedSecrets all;
    if (root.is_null()) return all;
    if (!root.is_map()) {
      refuse(root.location, fmt::format("it is {}, expected a map of names", root.describe()), kHowToMake);
      return all;
    }
    for (const auto& [key, value] : root.members) {
      if (key.scalar.starts_with("x-")) continue;
      if (!is_secret_name(key.scalar)) {
        refuse(key.location, fmt::format("'{}' is no name for a secret", key.scalar),
               "use up to 63 letters, digits, '.', '-' and '_'");
      } else if (!value.is_scalar()) {
        refuse(value.location,
               fmt::format("'{}' is given {}, expected '{}…'", key.scalar, value.describe(), kSealedPrefix),
               kHowToMake);
      } else if (SecretPtr secret = open(key.scalar, value)) {
        std::string id = book_.id(key.scalar, secret->value());
        all.emplace(key.scalar, SealedSecret{std::move(id), std::move(secret)});
      }
    }
    return all;
  }

  void refuse(const Location& at, std::string message, std::string_view remedy) {
    diagnostics_.push_back({.code = "fleet.sealed-secret",
                            .location = at,
                            .message = std::move(message),
                            .remedy = std::string(remedy)});
  }

 private:
  SecretPtr open(const std::string& name, const yaml::Node& value) {
    try {
      return book_.open(name, value.scalar);
    } catch (const Error& error) {
      refuse(value.location, fmt::format("secret '{}': {}", name, error.what()),
             "seal it again for this hub with 'hivemind secret seal'");
      return nullptr;
    }
  }

  const SecretBook& book_;
  Diagnostics& diagnostics_;
};

std::optional<std::string> path_in(std::string_view directory) {
  try {
    return join_path(directory, kSealedSecretsFile);
  } catch (const Error&) {
    return std::nullopt;  // the fleet's file says what is wrong with it
  }
}

}  // namespace

SealedSecrets load_sealed_secrets(const Snapshot& snapshot, std::string_view directory,
                                  const SecretBook& book, Diagnostics& diagnostics) {
  const auto path = path_in(directory);
  if (!path) return {};
  SealedFile file(book, diagnostics);
  try {
    const Entry entry = resolve(snapshot, *path);
    if (entry.kind == EntryKind::kAbsent) return {};
    const auto root = yaml::parse(snapshot.read(entry.path, kLimits.max_bytes), *path, diagnostics, kLimits);
    return root ? file.read(*root) : SealedSecrets{};
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInvalid && error.code() != ErrorCode::kExhausted) throw;
    file.refuse({*path, 0, 0}, error.what(), "");
    return {};
  }
}

std::optional<std::string> KnownSecrets::find(std::string_view name, std::string_view stack,
                                              const NodeIdentity& node) const {
  if (auto id = book_.find(name, stack, node)) return id;
  const auto found = sealed_.find(name);
  return found == sealed_.end() ? std::nullopt : std::optional(found->second.id);
}

SecretPtr KnownSecrets::sealed(std::string_view id) const {
  const auto found = std::ranges::find_if(sealed_, [&](const auto& one) { return one.second.id == id; });
  return found == sealed_.end() ? nullptr : found->second.secret;
}

}  // namespace hivemind::hub
