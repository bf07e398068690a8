#include <algorithm>

#include "common/error.h"
#include "common/log.h"
#include "hub/api/sight.h"
#include "hub/hub.h"
#include "hub/redaction.h"

namespace hivemind::hub {
namespace {

constexpr unsigned kInternal = 500;
constexpr unsigned kUnavailable = 503;  // a full disk, among other things

}  // namespace

std::optional<SealKey> Hub::sealing_key(const std::string& node) const {
  const SealKey* key = enrolment_.sealing_key(node);
  return key == nullptr ? std::nullopt : std::optional(*key);
}

std::set<std::string, std::less<>> Hub::reached_nodes() const {
  std::set<std::string, std::less<>> reached;
  for (const auto& [id, node] : inventory_.nodes()) {
    if (enrolment_.sealing_key(id) != nullptr) reached.insert(id);
  }
  return reached;
}

registry::Options Hub::registry_options(const Config& config) {
  registry::Options options = config.registries;
  options.kept_login = [this](const std::string& registry) { return secrets_.login(registry); };
  return options;
}

api::SecretHooks Hub::secret_hooks() {
  return {[this](const std::string& name) { return secret_users(name); },
          [this] { return secret_uses_ || status_.desired.revision.empty(); },
          [this] {
            std::vector<NodeIdentity> nodes;
            for (const NodeIdentity& node : inventory_.identities())
              nodes.push_back(api::identity_of(*inventory_.find(node.id), status_));
            return nodes;
          },
          [this](const std::string& stack) {
            return std::ranges::any_of(status_.stacks,
                                       [&](const StackEntry& entry) { return entry.name == stack; });
          },
          [this] { tracker_.recompile_soon(); }};
}

std::vector<SecretUser> Hub::secret_users(const std::string& name) const {
  std::vector<SecretUser> users;
  if (!secret_uses_) return users;
  const auto found = secret_uses_->find(name);
  if (found == secret_uses_->end()) return users;
  for (const StackEntry& entry : status_.stacks) {
    if (entry.enabled && found->second.contains(entry.name)) users.push_back({entry.name, entry.nodes});
  }
  return users;
}

// Nothing that the hub knows to be secret leaves by the API, whatever it was quoted by.
boost::asio::awaitable<api::Response> Hub::answer(api::Request request) {
  api::Response response;
  const bool is_look = request.method == "GET";
  try {
    response = co_await routes_.respond(std::move(request));
  } catch (const Error& error) {
    response = api::error_response(error);
  } catch (const std::exception& error) {
    log::error("api: {}", error.what());
    response = api::error_response(kInternal, to_string(ErrorCode::kInternal), error.what());
  }
  if (!is_look && response.status == kUnavailable) look_at_store();
  if (response.is_verbatim) co_return response;
  if (response.content_type == "application/json") {
    response.body = redacted_json(std::move(response.body), *redactor_);
  } else {
    redactor_->redact(&response.body);
  }
  co_return response;
}

}  // namespace hivemind::hub
