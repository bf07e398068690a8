#pragma once

#include <cstdint>
#include <string>

#include "hub/desired/fleet.h"

// What the hub keeps of enrolments. Values; times are Unix milliseconds, 0: never.
namespace hivemind::hub {

enum class Approval { kNotNeeded, kNeeded };
enum class Replacing { kNo, kYes };

// The right to become a node. Its secret is known to whoever it was given to, and not to the hub.
struct EnrolmentToken {
  std::string id;
  std::string secret_sha256;
  Labels labels;
  std::string node;                      // the only id that it is good for; empty: any that is free
  Replacing replacing = Replacing::kNo;  // new hardware takes over that node
  Approval approval = Approval::kNotNeeded;
  std::int64_t uses = 1;  // how many nodes may come with it
  std::int64_t used = 0;
  std::string created_by;  // name of the operator's token
  std::int64_t created_at_ms = 0;
  std::int64_t expires_at_ms = 0;
  std::int64_t revoked_at_ms = 0;
};

// What a machine says of itself when it enrols.
struct MachineFacts {
  std::string arch, os, kernel, hostname;
  std::string agent_version;
  bool operator==(const MachineFacts&) const = default;
};

struct EnrolledNode {
  std::string id;
  Labels labels;
  std::string seal_key;         // text of the key that secrets are sealed to
  std::string key_sha256;       // of the newest certificate
  std::string certificate;      // the newest, PEM
  std::string serial;           // likewise
  std::string previous_serial;  // of the one before it, if that may be renewed once more; else empty
  std::int64_t certificate_until_ms = 0;
  std::string token;   // id of the one that it came with
  MachineFacts facts;  // when it came
  std::int64_t enrolled_at_ms = 0;
  std::int64_t renewed_at_ms = 0;
  std::int64_t revoked_at_ms = 0;
};

// Who has asked with a token that needs approval: waits, is let in, or was turned away.
struct WaitingNode {
  std::string request;  // what operators call it by
  std::string token;
  std::string key_sha256;
  std::string node;  // the id that it would get
  MachineFacts facts;
  std::string address;  // where it has asked from
  std::int64_t first_asked_at_ms = 0;
  std::int64_t asked_at_ms = 0;
  std::int64_t approved_at_ms = 0;
  std::int64_t rejected_at_ms = 0;
};

// One that has been issued; kept for as long as it could be used for anything.
struct IssuedCertificate {
  std::string serial;
  std::string node;
  std::int64_t until_ms = 0;
};

}  // namespace hivemind::hub
