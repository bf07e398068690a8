#include "hub/broker_access.h"

#include <utility>

#include "common/error.h"
#include "common/log.h"
#include "hub/broker/configuration.h"

namespace hivemind::hub {
namespace {

constexpr std::string_view kScheme = "mqtts://";

x509::sys_seconds now() {
  return std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::string without_brackets(std::string host) {
  return host.starts_with('[') && host.ends_with(']') ? host.substr(1, host.size() - 2) : host;
}

// What goes wrong every minute is told once.
void log_once(std::string& logged, std::string trouble) {
  if (logged != trouble) log::error("{} (tried again until it is done)", trouble);
  logged = std::move(trouble);
}

}  // namespace

BrokerAccess::BrokerAccess(boost::asio::any_io_executor loop, const Authority& authority,
                           const std::filesystem::path& directory, ServerNames names, std::string url,
                           Callbacks callbacks, const BrokerAccessPace& pace)
    : loop_(loop),
      credentials_(authority, directory, std::move(names)),
      url_(std::move(url)),
      callbacks_(std::move(callbacks)),
      pace_(pace),
      timer_(loop) {
  begin();
}

// Nobody reads the files yet, so nobody is to be told of them.
void BrokerAccess::begin() {
  try_to_renew();
  if (!write_list()) {
    for (const std::string& node : callbacks_.revoked_nodes()) to_shut_out_.emplace(node, "");
  }
  is_stale_ = false;
  if (const auto file = credentials_.missing()) {
    throw Error(ErrorCode::kUnavailable, "'{}' is not there and cannot be made: {}", file->string(),
                renewal_trouble_.empty() ? list_trouble_ : renewal_trouble_);
  }
}

void BrokerAccess::start() {
  look_later();
}

void BrokerAccess::stop() {
  timer_.cancel();
  takeovers_.clear();
}

void BrokerAccess::look_later() {
  timer_.expires_after(pace_.between_looks);
  timer_.async_wait([this](const boost::system::error_code& cancelled) {
    if (cancelled) return;
    look();
    look_later();
  });
}

void BrokerAccess::look() {
  renew();
  shut_out_the_rest();
}

// After trouble the broker is told in any case, here and below: a file may have been written all the same.
void BrokerAccess::renew() {
  const BrokerCredentials::Renewed renewed = try_to_renew();
  if (renewed.server) log::info("the broker has a new certificate");
  if (!renewed.client) return;
  log::info("the hub has a new certificate for the broker");
  callbacks_.reconnect();
}

BrokerCredentials::Renewed BrokerAccess::try_to_renew() {
  try {
    const BrokerCredentials::Renewed renewed = credentials_.renew(now());
    if (renewed.server || !renewal_trouble_.empty()) is_stale_ = true;
    renewal_trouble_.clear();
    return renewed;
  } catch (const Error& error) {
    log_once(renewal_trouble_,
             fmt::format("certificates of broker and hub are not renewed: {}", error.what()));
    return {};
  }
}

void BrokerAccess::shut_out(const std::string& node) {
  takeovers_.erase(node);  // it may have come back since that one began
  to_shut_out_.insert_or_assign(node, "");
  shut_out_the_rest();
}

// In this order: a node that is pushed off comes back at once, and must not be let in then.
void BrokerAccess::shut_out_the_rest() {
  const bool is_listed = write_list();
  if (is_stale_ && !callbacks_.reload()) return;
  is_stale_ = false;
  if (!is_listed) return;
  for (const auto& [node, trouble] : to_shut_out_)
    if (!takeovers_.contains(node)) end_session(node);
}

// The list is made of what is stored, so that it is whole, however many were left out before.
bool BrokerAccess::write_list() {
  try {
    const bool is_new = credentials_.revoke(callbacks_.revocation_list());
    if (is_new || !list_trouble_.empty()) is_stale_ = true;
    list_trouble_.clear();
    return true;
  } catch (const Error& error) {
    log_once(
        list_trouble_,
        fmt::format("the broker is not told which nodes are revoked, and lets them in: {}", error.what()));
    return false;
  }
}

void BrokerAccess::end_session(const std::string& node) {
  const std::string address = url_.substr(kScheme.size());
  const std::size_t colon = address.rfind(':');
  try {
    Takeover::Target target{
        without_brackets(address.substr(0, colon)), address.substr(colon + 1), credentials_.ca_file(),
        credentials_.make_takeover(node, now()),    "hivemind-" + node,        pace_.takeover};
    takeovers_[node] = std::make_unique<Takeover>(
        loop_, std::move(target),
        [this, node](const std::optional<std::string>& why_not) { session_ended(node, why_not); });
  } catch (const Error& error) {
    session_ended(node, error.what());
  }
}

void BrokerAccess::session_ended(const std::string& node, const std::optional<std::string>& why_not) {
  takeovers_.erase(node);
  if (why_not) {
    log_once(to_shut_out_[node],
             fmt::format("the session of node '{}' at the broker cannot be ended: {}", node, *why_not));
  } else {
    log::info("the session of node '{}' at the broker is ended", node);
    to_shut_out_.erase(node);
  }
}

}  // namespace hivemind::hub
