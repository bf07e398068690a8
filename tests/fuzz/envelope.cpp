#include "common/envelope.h"

#include <algorithm>

#include "common/error.h"
#include "hivemind/v1/envelope.pb.h"
#include "tests/fuzz/fuzz.h"

// Envelopes as anybody may send them, and chains of successions in which each byte of the input decides about
// a link: whether it is as it should be, or in which way it is not.
namespace hivemind::tests {
namespace {

constexpr std::size_t kLongest = 12;

struct Keys {
  Keys() {
    for (std::size_t i = 0; i <= kLongest; ++i) all.push_back(SigningKey::generate());
  }
  std::vector<SigningKey> all;
};

const Keys& keys() {
  static const Keys made;
  return made;
}

// Whether the link is a true one.
bool add_link(v1::Envelope& envelope, std::size_t number, std::uint8_t how) {
  const Succession right = succeed(keys().all[number], keys().all[number + 1].verify_key());
  v1::Succession& link = *envelope.add_successions();
  link.set_public_key(std::string(right.key.bytes()));
  link.set_signature(right.signature);
  switch (how) {
    case 1:
      link.mutable_signature()->pop_back();
      return false;
    case 2:
      link.mutable_public_key()->pop_back();
      return false;
    case 3:
      link.mutable_signature()->at(how) ^= 1;
      return false;
    case 4:
      link.set_signature(succeed(keys().all.back(), right.key).signature);
      return number == kLongest;
    case 5:
      link.clear_signature();
      return false;
    default:
      return true;
  }
}

void check_chain(std::string_view how) {
  const std::size_t length = std::min(how.size(), kLongest);
  v1::Envelope envelope;
  const SigningKey& newest = keys().all[length];
  envelope.ParseFromString(seal_envelope(newest, kManifestKind, "payload"));
  std::vector<bool> is_true;
  for (std::size_t i = 0; i < length; ++i)
    is_true.push_back(add_link(envelope, i, static_cast<std::uint8_t>(how[i])));
  const std::string bytes = envelope.SerializeAsString();
  for (std::size_t trusted = 0; trusted <= length; ++trusted) {
    const auto start = is_true.begin() + static_cast<std::ptrdiff_t>(trusted);
    const bool leads_there =
        trusted < length && std::all_of(start, is_true.end(), [](bool link) { return link; });
    const auto way = successors(keys().all[trusted].verify_key(), kManifestKind, bytes);
    // Behind a link whose key is damaged, the key after it cannot be found among the links; its own way is
    // then none.
    if (!way.empty()) require(leads_there, "a way is followed that is none");
    const bool is_named = trusted == 0 || how[trusted - 1] != 2;
    if (leads_there && is_named) require(way.size() == length - trusted, "a way is not followed");
    if (!way.empty()) require(way.back() == newest.verify_key(), "a way ends at another key");
  }
}

// Nobody but the key's owner can make what opens.
void check_forged(std::string_view bytes) {
  const VerifyKey& trusted = keys().all.front().verify_key();
  require(successors(trusted, kManifestKind, bytes).empty(), "a forged envelope is followed");
  try {
    open_envelope(trusted, kManifestKind, bytes);
    require(false, "a forged envelope opens");
  } catch (const Error&) {
  }
}

}  // namespace
}  // namespace hivemind::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hivemind;
  const std::string_view bytes = tests::text_of(data, size);
  tests::check_forged(bytes);
  tests::check_chain(bytes);
  return 0;
}
