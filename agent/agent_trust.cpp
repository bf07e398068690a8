// How the agent follows the hub from one signing key to the next.
#include "agent/agent.h"
#include "common/error.h"
#include "common/log.h"

namespace hivemind::agent {
namespace {

constexpr std::chrono::seconds kFollowPause{10};

}  // namespace

// False: the new key cannot be stored, and nothing is done that it has signed. A manifest is looked at again
// soon; a command is given again by whoever wants it.
bool Agent::follow_hub_key(std::string_view kind, const std::string& envelope) {
  if (envelope.size() > kMaxManifestEnvelope) return true;  // the judge refuses it unparsed
  try {
    if (!trusted_.follow(kind, envelope)) return true;
  } catch (const Error& error) {
    const std::string text = fmt::format("the hub's new key cannot be stored: {}", error.what());
    if (kind != kManifestKind) {
      log::warn("command dropped: {}", text);
      return false;
    }
    refuse({v1::REASON_STORE_FAILED, "manifest refused: " + text, 0, ""});
    follow_timer_.expires_after(kFollowPause);
    follow_timer_.async_wait([weak = weak_from_this(), envelope](const boost::system::error_code& failure) {
      const auto self = weak.lock();
      if (!failure && self) self->on_manifest(envelope);
    });
    return false;
  }
  tell(
      {"hub_key_changed", "", "", v1::REASON_NONE, fmt::format("the hub's key is '{}'", trusted_.key().id())},
      current_revision());
  report_soon();
  return true;
}

// It is the hub that has gone back, so what helps is to be done there.
std::string Agent::left_key_text() const {
  return fmt::format(
      "manifest refused: it is signed by a key of the hub's that has given way to '{}', which this node "
      "obeys "
      "(was the hub restored from a backup of before a rotation? give it back its newest signing.key)",
      trusted_.key().id());
}

}  // namespace hivemind::agent
