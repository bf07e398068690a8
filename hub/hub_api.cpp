#include "common/log.h"
#include "hub/api/sight.h"
#include "hub/clock.h"
#include "hub/hub.h"

namespace hivemind::hub {

std::unique_ptr<ApiCertificates> Hub::make_certificates(const Config& config) {
  const bool is_local = api::is_loopback(config.listen);
  const bool wanted =
      config.tls.mode == api::TlsMode::kOn || (config.tls.mode == api::TlsMode::kAuto && !is_local);
  if (!wanted) {
    if (!is_local) {
      log::warn(
          "the API speaks plain HTTP on '{}', as --tls off says: whoever can listen in can read the tokens",
          config.listen);
    }
    return nullptr;
  }
  const std::string host = config.listen.substr(0, config.listen.rfind(':'));
  const bool has_brackets = host.starts_with('[') && host.ends_with(']');
  std::vector<std::string> hosts = config.advertise;
  hosts.push_back(has_brackets ? host.substr(1, host.size() - 2) : host);
  return std::make_unique<ApiCertificates>(loop_, authority_, server_names(hosts), config.data_dir,
                                           config.tls);
}

api::Server::Callbacks Hub::server_callbacks() {
  return {
      [this](std::string_view token, const std::string& address) -> std::optional<api::Caller> {
        if (token_.matches(token)) return api::Caller{"admin", api::Role::kAdmin, {}, address, {}};
        return tokens_.authenticate(token, address, unix_now_ms());
      },
      [this](const api::Caller& caller) { return tokens_.is_good(caller, unix_now_ms()); },
      [this](const std::string& address) {
        const auto wait = failures_.failed(address, FailureLimit::Clock::now());
        if (!wait) log::warn("api: a wrong token from '{}'", address);
        return wait;
      },
      [this](std::string_view method, std::string_view target) { return routes_.is_open(method, target); },
      [this](api::Request request) { return answer(std::move(request)); }};
}

api::Routes::Hooks Hub::route_hooks() {
  return {[this](const api::Caller& caller, const std::string& node) {
            return api::covers_node(caller.scope, inventory_, status_, node);
          },
          [this](const api::Route& route, const api::Request& request) {
            return audit_.begin(deed_of(route, request), unix_now_ms());
          },
          [this](const api::Route& route, const api::Request& request, std::int64_t begun,
                 const api::Response& response) {
            const AuditedDeed deed = deed_of(route, request);
            try {
              if (begun == 0) {
                audit_.note(deed, outcome_of(response), unix_now_ms());
              } else {
                audit_.end(begun, outcome_of(response), unix_now_ms());
              }
            } catch (const Error& error) {
              store_failed(error);  // it has been done, and that it was begun stands there
            }
            tell_audit(deed, response.status);
          },
          [this](const api::Route& route, const api::Request& request, const api::Response& response) {
            note_refusal(route, request, response);
          }};
}

// The head here bears witness of the log: what is cut off from it, or made anew, does not have it.
void Hub::tell_audit(const AuditedDeed& deed, unsigned status) {
  log::info("audit: '{}' ({}): {}: {}; head {}", deed.who.empty() ? "nobody" : deed.who, deed.address,
            deed.action, status, audit_.head().hash);
}

// Whoever tries what he may not is worth a row, and whoever tries it all the time not many.
void Hub::note_refusal(const api::Route& route, const api::Request& request, const api::Response& response) {
  AuditedDeed deed = deed_of(route, request);
  const auto attempts = refusals_.refused(deed.token, deed.action, RefusalLimit::Clock::now());
  if (!attempts) return;
  if (*attempts > 1) deed.asked["attempts"] = *attempts;
  try {
    audit_.note(deed, outcome_of(response), unix_now_ms());
    tell_audit(deed, response.status);
  } catch (const Error& error) {
    store_failed(error);
  }
}

// What the hub does by itself, because the repository says so.
void Hub::note_publication(const std::string& before, const SyncResult& result) {
  AuditedDeed deed;
  deed.who = "hub";
  deed.action = "git.publish";
  AuditedOutcome outcome;
  outcome.before = {{"revision", before}};
  outcome.after = {{"revision", status_.desired.revision}, {"nodes", result.published.size()}};
  try {
    audit_.note(deed, outcome, unix_now_ms());
    tell_audit(deed, outcome.status);
  } catch (const Error& error) {
    store_failed(error);
  }
}

}  // namespace hivemind::hub
