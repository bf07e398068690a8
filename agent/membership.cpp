#include "agent/membership.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <memory>
#include <utility>

#include <unistd.h>

#include "common/defaults.h"
#include "common/error.h"
#include "common/ids.h"

namespace hivemind::agent {
namespace {

[[noreturn]] void contradiction(const IdentityDirectory& directory, const std::string& flag,
                                const std::string& why) {
  throw Error(ErrorCode::kInvalid, "{} contradicts the identity in '{}': {} (leave it out)", flag,
              directory.path().string(), why);
}

void check_flags(const Options& options, const IdentityDirectory& directory, const Enrolment& enrolment) {
  if (!options.hub_key.empty()) contradiction(directory, "--hub-key", "it has the key of the node's hub");
  if (!options.broker_ca.empty()) contradiction(directory, "--broker-ca", "it has the CA of the node's hub");
  if (!options.node.empty() && options.node != enrolment.node)
    contradiction(directory, fmt::format("--node '{}'", options.node),
                  fmt::format("this is node '{}'", enrolment.node));
  if (!options.broker.empty() && !options.broker.starts_with("mqtts://"))
    contradiction(directory, fmt::format("--broker '{}'", options.broker),
                  "it is used over TLS only (mqtts://)");
}

Membership enrolled(const Options& options, const IdentityDirectory& directory) {
  const Enrolment enrolment = directory.enrolment();
  check_flags(options, directory, enrolment);
  directory.credential();  // for its errors
  BrokerOptions broker(options.broker.empty() ? enrolment.broker : options.broker);
  broker.ca_file = directory.ca_file();
  broker.client_file = directory.client_file();
  Identity identity{enrolment.node, options.labels, VerifyKey::load(directory.hub_key_file()),
                    directory.hub_key_file(),
                    std::make_shared<const OpenKey>(OpenKey::load(directory.sealing_key_file()))};
  return {std::move(identity), std::move(broker), true};
}

Membership by_flags(const Options& options, const IdentityDirectory& directory) {
  if (options.hub_key.empty()) {
    throw Error(ErrorCode::kInvalid,
                "this node is not enrolled: there is no '{}' (hivemind-agent enroll --hub URL --token TOKEN; "
                "without enrolment, in a network that you trust: --hub-key FILE --broker URL)",
                directory.path().string());
  }
  const std::string node = options.node.empty() ? node_of_host() : options.node;
  if (node.empty())
    throw Error(ErrorCode::kInvalid, "the host's name is no node id (say which one this is with --node)");
  BrokerOptions broker(options.broker.empty() ? defaults::kBrokerUrl : options.broker);
  broker.ca_file = options.broker_ca;
  Identity identity{node, options.labels, VerifyKey::load(options.hub_key)};
  // Whoever seals secrets to such a node has put the key there.
  const auto sealing_key = options.data_directory / "sealing.key";
  if (std::filesystem::exists(sealing_key))
    identity.sealing_key = std::make_shared<const OpenKey>(OpenKey::load(sealing_key));
  return {std::move(identity), std::move(broker), false};
}

}  // namespace

Membership membership_of(const Options& options, const IdentityDirectory& directory) {
  Membership membership = directory.exists() ? enrolled(options, directory) : by_flags(options, directory);
  membership.broker.keep_alive = std::chrono::seconds(options.keep_alive_s);
  return membership;
}

std::string node_of_host() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return {};
  std::string node(name.data());
  node = node.substr(0, node.find('.'));
  std::ranges::transform(node, node.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return is_node_id(node) ? node : "";
}

}  // namespace hivemind::agent
