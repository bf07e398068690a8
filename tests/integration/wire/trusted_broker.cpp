#include "tests/integration/wire/trusted_broker.h"

#include <stdexcept>

#include "common/file.h"

namespace hivemind::tests {

using namespace std::chrono_literals;

x509::sys_seconds now() {
  return std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
}

TrustedBroker::TrustedBroker(const hub::Authority::Given& authority) {
  authority_.emplace(hub::Authority::load_or_create(directory_.path(), authority));
  credentials_.emplace(*authority_, directory_ / "broker", hub::server_names({}));
  credentials_->renew(now());
  revoke({});
  start();
}

TrustedBroker::~TrustedBroker() = default;

void TrustedBroker::revoke(const std::vector<std::string>& serials) {
  credentials_->revoke(authority_->revocation_list(serials, ++lists_));
}

void TrustedBroker::launch() {
  hub::BrokerOptions options{directory_ / "broker", "127.0.0.1:" + std::to_string(port_)};
  options.tls = credentials_->broker_files();
  broker_ = std::make_unique<hub::Broker>(
      loop_.get_executor(), options,
      hub::Broker::Callbacks{[this] {
                               if (on_up) on_up();
                             },
                             [this](const std::string& why) { downs_.push_back(why); }});
  broker_->start();
}

void TrustedBroker::start() {
  launch();
  if (!until([&] { return broker_->running(); })) throw std::runtime_error("the broker does not start");
}

void TrustedBroker::stop() {
  bool stopped = false;
  broker_->stop([&] { stopped = true; });
  if (!until([&] { return stopped; })) throw std::runtime_error("the broker does not stop");
}

void TrustedBroker::restart() {
  stop();
  start();
}

bool TrustedBroker::until(const std::function<bool()>& condition, std::chrono::milliseconds longest) {
  const auto deadline = std::chrono::steady_clock::now() + longest;
  while (!condition() && std::chrono::steady_clock::now() < deadline) loop_.run_one_for(5ms);
  return condition();
}

std::string TrustedBroker::database() {
  const auto file = directory_ / "broker" / "mosquitto-tls.db";
  std::filesystem::remove(file);
  broker_->save();
  if (!until([&] { return std::filesystem::exists(file); })) throw std::runtime_error("nothing is saved");
  run_for(200ms);  // it is written under another name first
  return read_file(file);
}

TrustedBroker::Node TrustedBroker::make_node(const hub::Authority& authority, const std::string& name,
                                             std::chrono::seconds life) const {
  const x509::PrivateKey key = x509::PrivateKey::generate();
  const x509::Certificate certificate = authority.issue_node(key.public_key(), name, now() + life);
  const auto file = directory_ / ("node-" + std::to_string(++nodes_) + ".pem");
  write_file_durably(file, key.pem() + authority.chain(certificate), 0600);
  return {file, certificate.serial()};
}

mqtt::LinkOptions TrustedBroker::options(const std::filesystem::path& client_file,
                                         const std::string& client_id) const {
  mqtt::LinkOptions options{.url = broker_->url(), .client_id = client_id, .will = {}};
  options.ca_file = credentials_->ca_file();
  options.client_file = client_file;
  options.broker_name = mqtt::BrokerName::kAny;
  options.first_retry = 20ms;
  options.max_retry = 200ms;
  return options;
}

RawClient TrustedBroker::raw(const std::filesystem::path& client_file) const {
  return RawClient({port_, credentials_->ca_file(), client_file});
}

}  // namespace hivemind::tests
