#include "hub/registry/registry.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "common/digest.h"
#include "hub/registry/challenge.h"
#include "hub/registry/credentials.h"

namespace hivemind::hub::registry {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 2> kIndexTypes = {
    "application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"};
constexpr std::array<std::string_view, 2> kManifestTypes = {
    "application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"};

std::string_view media_type(const Answer& answer) {
  const std::string_view type = answer.header("content-type");
  return type.substr(0, type.find_first_of("; "));
}

bool is_one_of(std::string_view type, const auto& types) {
  return std::ranges::find(types, type) != types.end();
}

bool is_digest(std::string_view text) {
  constexpr std::string_view kAlgorithm = "sha256:";
  return text.starts_with(kAlgorithm) && text.size() == kAlgorithm.size() + 64 &&
         text.find_first_not_of("0123456789abcdef", kAlgorithm.size()) == std::string_view::npos;
}

std::string digest_of(std::string_view body) {
  return "sha256:" + sha256_hex(body);
}

std::string accept_header() {
  std::string header = "Accept: ";
  for (const std::string_view type : kIndexTypes) header.append(type).append(", ");
  for (const std::string_view type : kManifestTypes) header.append(type).append(", ");
  return header.substr(0, header.size() - 2);
}

std::string text_of(const Json& json, const char* key) {
  if (!json.is_object()) return "";
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

// Those of attestations and the like are "unknown/unknown".
std::vector<std::string> platforms_of(const Json& index) {
  std::vector<std::string> platforms;
  const auto manifests = index.find("manifests");
  if (manifests == index.end() || !manifests->is_array()) return platforms;
  for (const Json& manifest : *manifests) {
    const auto platform = manifest.find("platform");
    if (platform == manifest.end()) continue;
    const std::string os = text_of(*platform, "os"), architecture = text_of(*platform, "architecture");
    const std::string variant = text_of(*platform, "variant");
    if (os.empty() || os == "unknown" || architecture.empty()) continue;
    platforms.push_back(os + "/" + architecture + (variant.empty() ? "" : "/" + variant));
  }
  std::ranges::sort(platforms);
  const auto repeated = std::ranges::unique(platforms);
  platforms.erase(repeated.begin(), repeated.end());
  return platforms;
}

// Where http:// leads to, as HOST or HOST:PORT; empty: it is another scheme, or is written to mislead.
std::string_view plain_host(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return "";
  url.remove_prefix(kScheme.size());
  const std::string_view host = url.substr(0, url.find_first_of("/?#"));
  return host.find('@') == std::string_view::npos ? host : "";
}

// What an answer that is no manifest says.
struct Failure {
  Refusal refusal;
};

[[noreturn]] void fail(ErrorCode code, const std::string& text) {
  throw Failure{{Error(code, text)}};
}

// One question to one registry, with the requests that it takes.
class Inquiry {
 public:
  Inquiry(const ImageName& name, const Options& options, const std::atomic<bool>& cancelled)
      : name_(name),
        options_(options),
        plain_(is_loopback(name.registry) || options.insecure.contains(name.registry) ? Plain::kAllowed
                                                                                      : Plain::kRefused),
        transfer_(options.limits, cancelled) {}

  Pin run(const Pin* known) {
    Answer head = ask(Exchange::Method::kHead, name_.tag);
    const bool head_is_known = head.status != 405 && head.status != 501 && head.status != 400;
    if (head_is_known) require_found(head);
    const std::string digest(head.header("docker-content-digest"));
    if (head.status != 200 || !is_digest(digest)) return read(name_.tag, "");
    if (known != nullptr && known->digest == digest) return *known;
    if (is_one_of(media_type(head), kManifestTypes)) return {digest, {}};
    return read(digest, digest);
  }

 private:
  // expected: the digest that the body must have; empty: any.
  Pin read(const std::string& reference, const std::string& expected) {
    const Answer answer = ask(Exchange::Method::kGet, reference);
    require_found(answer);
    const std::string_view said = answer.header("docker-content-digest");
    Pin pin{digest_of(answer.body), {}};
    if ((!expected.empty() && pin.digest != expected) || (is_digest(said) && said != pin.digest)) {
      fail(ErrorCode::kUnavailable, "its answer does not have the digest that it should have");
    }
    const Json json = Json::parse(answer.body, nullptr, false);
    std::string type(media_type(answer));
    if (const std::string own = text_of(json, "mediaType"); !own.empty()) type = own;
    if (is_one_of(type, kIndexTypes)) {
      pin.platforms = platforms_of(json);
    } else if (!is_one_of(type, kManifestTypes)) {
      fail(ErrorCode::kInvalid,
           fmt::format("what it has is of type '{}', which is no image of today", type.substr(0, 100)));
    }
    return pin;
  }

  Answer ask(Exchange::Method method, const std::string& reference) {
    Exchange exchange{
        .method = method,
        .url = fmt::format("{}://{}/v2/{}/manifests/{}", plain_ == Plain::kAllowed ? "http" : "https",
                           name_.host(), name_.repository, reference),
        .headers = {accept_header()},
        .plain = plain_};
    authorize(exchange);
    Answer answer = transfer_.perform(exchange);
    if (answer.status != 401 || is_authorized_) return answer;
    answer_challenge(answer);
    is_authorized_ = true;
    authorize(exchange);
    return transfer_.perform(exchange);
  }

  void authorize(Exchange& exchange) const {
    exchange.bearer = bearer_;
    exchange.username = basic_.username;
    exchange.password = basic_.password;
  }

  void answer_challenge(const Answer& answer) {
    const Login* const login = this->login();
    std::vector<Challenge> offered;
    for (const auto& [name, value] : answer.headers) {
      if (name != "www-authenticate") continue;
      for (Challenge& one : parse_challenges(value)) offered.push_back(std::move(one));
    }
    const auto bearer = std::ranges::find(offered, "bearer", &Challenge::scheme);
    if (bearer != offered.end()) {
      bearer_ = token(*bearer, login);
    } else if (std::ranges::find(offered, "basic", &Challenge::scheme) == offered.end()) {
      fail(ErrorCode::kDenied, "it asks for a login of a kind that is not supported");
    } else if (login == nullptr || login->username.empty()) {
      fail(ErrorCode::kDenied,
           "it asks for a login (set one with 'hivemind registry login', or in 'registry.credentials')");
    } else {
      basic_ = *login;
    }
  }

  const Login* login() {
    if (options_.kept_login && !kept_) kept_ = options_.kept_login(name_.registry);
    if (kept_) return &*kept_;
    if (options_.credentials.empty()) return nullptr;
    if (!credentials_) credentials_ = Credentials::load(options_.credentials);
    return credentials_->find(name_.registry);
  }

  // A registry of this machine may be no more than the end of a tunnel.
  Plain plain_for(const std::string& realm) const {
    const std::string host(plain_host(realm));
    const bool allowed = !host.empty() && (is_loopback(host) || options_.insecure.contains(host) ||
                                           options_.insecure.contains(name_.registry));
    return allowed ? plain_ : Plain::kRefused;
  }

  // The registry names its token service, which sees the login; so it must be as safe as the registry itself.
  std::string token(const Challenge& challenge, const Login* login) {
    const auto parameter = [&](const char* name) {
      const auto found = challenge.parameters.find(name);
      return found == challenge.parameters.end() ? std::string() : found->second;
    };
    std::string scope = parameter("scope");
    if (scope.empty()) scope = fmt::format("repository:{}:pull", name_.repository);
    const std::string query =
        fmt::format("service={}&scope={}", Transfer::escape(parameter("service")), Transfer::escape(scope));
    Exchange exchange{.url = parameter("realm")};
    exchange.plain = plain_for(exchange.url);
    if (login != nullptr && !login->identity_token.empty()) {
      exchange.method = Exchange::Method::kPost;
      exchange.form = fmt::format("grant_type=refresh_token&client_id=hivemind&{}&refresh_token={}", query,
                                  Transfer::escape(login->identity_token));
    } else {
      exchange.url += (exchange.url.find('?') == std::string::npos ? "?" : "&") + query;
      if (login != nullptr) exchange.username = login->username, exchange.password = login->password;
    }
    const Answer answer = transfer_.perform(exchange);
    require_found(answer);
    const Json json = Json::parse(answer.body, nullptr, false);
    std::string token = text_of(json, "token");
    if (token.empty()) token = text_of(json, "access_token");
    if (token.empty()) fail(ErrorCode::kUnavailable, "its token service gives no token");
    return token;
  }

  void require_found(const Answer& answer) const {
    if (answer.status == 200) return;
    if (answer.status == 404) {
      fail(ErrorCode::kNotFound, fmt::format("it has no '{}:{}'", name_.repository, name_.tag));
    }
    if (answer.status == 401 || answer.status == 403) {
      fail(ErrorCode::kDenied, fmt::format("it refuses '{}:{}' (check the name, and the login: "
                                           "'hivemind registry login', or 'registry.credentials')",
                                           name_.repository, name_.tag));
    }
    throw Failure{{Error(ErrorCode::kUnavailable,
                         answer.status == 429 ? "it has had too many requests (HTTP 429)"
                                              : fmt::format("it answers with HTTP {}", answer.status)),
                   answer.retry_after}};
  }

  const ImageName& name_;
  const Options& options_;
  Plain plain_;
  Transfer transfer_;
  std::optional<Login> kept_;
  std::optional<Credentials> credentials_;
  bool is_authorized_ = false;
  std::string bearer_;
  Login basic_;
};

}  // namespace

Resolution Registries::resolve(const ImageName& name, const Pin* known,
                               const std::atomic<bool>& cancelled) const {
  try {
    return Inquiry(name, options_, cancelled).run(known);
  } catch (Failure& failure) {
    return std::move(failure.refusal);
  } catch (const Error& error) {
    return Refusal{error};
  } catch (const std::exception& error) {
    return Refusal{Error(ErrorCode::kInternal, "{}", error.what())};
  }
}

}  // namespace hivemind::hub::registry
