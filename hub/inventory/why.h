#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hub/inventory/inventory.h"
#include "hub/inventory/status.h"

// Why a node is not where the newest revision wants it: one answer out of all that the hub knows. Pure.
namespace hivemind::hub {

struct Cause {
  std::string reason;   // of a report, or one of the hub's own words (docs/api.md)
  std::string stack;    // may be empty: it is about the whole node
  std::string service;  // may be empty
  std::string text;
  std::string remedy;  // what to do; empty: it passes by itself
};

struct WhyQuestion {
  std::string node;
  std::string stack;      // empty: all of the node's
  bool settling = false;  // nodes are known whose manifest is still being made
  std::int64_t now_ms = 0;
};

struct Why {
  std::string revision;           // the newest of the repository; empty: none yet
  std::string reported_revision;  // that of the manifest which the node runs; empty: none, or a mix
  // What stands between the node and the revision: from the repository to the services, each with what hides
  // behind it. The first one is the answer; none: the node is on the revision.
  std::vector<Cause> causes;
  std::vector<Cause> notes;  // worth knowing, in nobody's way
  bool on_revision() const { return causes.empty(); }
};

// For a node that is not known there is one cause, kUnknownNode.
Why why(const HubStatus& status, const Inventory& inventory, const WhyQuestion& question);

// The hub's own words; the others are a report's reasons.
namespace causes {
inline constexpr const char* kNothingFetched = "nothing_fetched";
inline constexpr const char* kRevisionInvalid = "revision_invalid";
inline constexpr const char* kRevisionHeld = "revision_held";
inline constexpr const char* kRevisionUnsigned = "revision_unsigned";
inline constexpr const char* kCompiling = "compiling";
inline constexpr const char* kHubStoreFailed = "hub_store_failed";
inline constexpr const char* kBrokerDown = "broker_down";
inline constexpr const char* kUnknownNode = "unknown_node";
inline constexpr const char* kRevoked = "revoked";
inline constexpr const char* kNeverConnected = "never_connected";
inline constexpr const char* kOffline = "offline";
inline constexpr const char* kNoManifest = "no_manifest";
inline constexpr const char* kNotReceived = "not_received";
inline constexpr const char* kDoesNotCompile = "does_not_compile";
inline constexpr const char* kNotListed = "not_listed";
inline constexpr const char* kDisabled = "disabled";
inline constexpr const char* kNotSelected = "not_selected";
inline constexpr const char* kFetchFailed = "fetch_failed";  // notes
inline constexpr const char* kClockOffset = "clock_offset";
inline constexpr const char* kClockSkew = "clock_skew";  // far off
inline constexpr const char* kRenewalFailed = "renewal_failed";
}  // namespace causes

}  // namespace hivemind::hub
