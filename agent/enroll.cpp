#include "agent/enroll.h"

#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>

#include "agent/data_directory.h"
#include "agent/exit_code.h"
#include "agent/identity/clock.h"
#include "agent/identity/enrolment.h"
#include "agent/node/facts.h"
#include "agent/store/store.h"
#include "common/envelope.h"
#include "common/error.h"
#include "common/file.h"
#include "common/version.h"

namespace hivemind::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kApartS = 5 * 60;

MachineFacts machine_facts(const Facts& facts) {
  const v1::NodeFacts machine = facts.machine(std::nullopt);
  return {machine.architecture(), machine.os_release().empty() ? machine.os() : machine.os_release(),
          machine.kernel(), machine.hostname(), version()};
}

void require_free(const IdentityDirectory& directory, const Options& options) {
  if (!directory.exists() || options.force) return;
  throw Error(ErrorCode::kConflict,
              "this machine is enrolled already, as node '{}' of '{}' (--force gives that up)",
              directory.enrolment().node, directory.enrolment().hub);
}

// Another CA and another signing key: generations and releases of the hub before mean nothing to this one.
bool is_another_hub(const IdentityDirectory& directory, const NewIdentity& identity) {
  if (!directory.exists()) return false;
  try {
    return x509::Certificate::parse(identity.ca) != directory.ca() &&
           VerifyKey::parse(read_file(directory.hub_key_file())) != VerifyKey::parse(identity.hub_key);
  } catch (const Error&) {
    return false;  // a damaged identity says nothing; a manifest of another hub is refused anyway
  }
}

// Before the identity is changed: killed in between, the node is its old hub's, and is told anew what to run.
void forget_store(const fs::path& data_directory) {
  for (const char* suffix : {"", "-wal", "-shm"})
    fs::remove(data_directory / (std::string(Store::kFile) + suffix));
}

std::optional<NewIdentity> ask(const Options& options, const IdentityDirectory& directory) {
  boost::asio::io_context loop(1);
  const EnrolmentWish wish{options.hub, EnrolmentToken::parse(options.token), options.node,
                           machine_facts(Facts(options.data_directory)), options.patience};
  std::optional<NewIdentity> identity;
  std::exception_ptr failure;
  boost::asio::co_spawn(
      loop,
      enrol(loop.get_executor(), directory, wish,
            [](const std::string& line) { fmt::print(stderr, "hivemind-agent: {}\n", line); }),
      [&](std::exception_ptr thrown, std::optional<NewIdentity> made) {
        failure = thrown;
        identity = std::move(made);
      });
  loop.run();
  if (failure) std::rethrow_exception(failure);
  return identity;
}

void tell(const NewIdentity& identity) {
  const CertificateLife life = identity.credential.life();
  fmt::print("enrolled as node '{}' of {} (certificate until {}); start the agent now\n",
             identity.enrolment.node, identity.enrolment.hub, utc_text(life.not_after_s));
  const std::int64_t offset = life.received_at_s - life.issued_at_s;
  if (offset > -kApartS && offset < kApartS) return;
  fmt::print(
      stderr,
      "hivemind-agent: this node's clock says {}, the hub's {}: it works all the same, but set the clock "
      "(run an NTP client)\n",
      utc_text(life.received_at_s), utc_text(life.issued_at_s));
}

}  // namespace

int enroll(const Options& options) {
  const DataDirectory held(options.data_directory);
  const IdentityDirectory directory(options.data_directory);
  directory.recover();
  require_free(directory, options);
  const std::optional<NewIdentity> identity = ask(options, directory);
  if (!identity) {
    fmt::print(
        stderr,
        "hivemind-agent: nobody has approved of this node yet (run the same command again: it asks with "
        "the same key)\n");
    return kExitTime;
  }
  if (is_another_hub(directory, *identity)) forget_store(options.data_directory);
  directory.establish(*identity);
  tell(*identity);
  return kExitOk;
}

}  // namespace hivemind::agent
