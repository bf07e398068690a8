#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hub/desired/diagnostic.h"

namespace hivemind::hub {

// Whether the images of a stack are run by digest, so that every node has the same bits.
enum class PinImages { kNo, kYes };

// What an image reference was resolved to.
struct Pin {
  std::string digest;                  // "sha256:<hex>"; of the index where there is one
  std::vector<std::string> platforms;  // of the index, such as "linux/arm64/v8"; empty: it is none
  bool operator==(const Pin&) const = default;
};

using StackPins = std::map<std::string, Pin, std::less<>>;        // by reference, as the Compose file has it
using FleetPins = std::map<std::string, StackPins, std::less<>>;  // by stack

// A reference that a service wants to be resolved.
struct PinRequest {
  std::string stack;
  std::string service;
  std::string reference;
  Location location;  // of the reference
  auto operator<=>(const PinRequest&) const = default;
};

// What is said of an image that has no digest yet; the hub tells why.
inline constexpr std::string_view kPinPending = "compose.pin-pending";

// The pins of one stack while it is compiled. It remembers which references were asked for, found or not: the
// release depends on those.
class Pins {
 public:
  explicit Pins(const StackPins& known) : known_(known) {}  // which must outlive it

  const Pin* find(const PinRequest& request) const {
    asked_.insert(request);
    const auto found = known_.find(request.reference);
    return found == known_.end() ? nullptr : &found->second;
  }
  const std::set<PinRequest>& asked() const { return asked_; }

 private:
  const StackPins& known_;
  mutable std::set<PinRequest> asked_;
};

}  // namespace hivemind::hub
