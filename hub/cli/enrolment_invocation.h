#pragma once

#include <chrono>
#include <map>
#include <string>
#include <variant>
#include <vector>

// What the command line asks for of enrolment and the hub's authority.
namespace hivemind::hub::cli {

struct EnrolmentWish {
  std::chrono::milliseconds ttl{};
  int uses = 1;
  std::map<std::string, std::string> labels;
  std::string node;  // empty: any
  bool needs_approval = false;
};

struct NodeTokenCreateCommand {
  EnrolmentWish wish;
};
struct NodeTokenListCommand {};
struct NodeTokenRevokeCommand {
  std::string token;
};
struct NodeWaitingCommand {};
struct NodeApproveCommand {
  std::string which;  // request, or the id that it would get
  std::string node;   // another id; empty: that one
};
struct NodeRejectCommand {
  std::string which;
};
struct NodeRevokeCommand {
  std::string node;
};
struct NodeReplaceCommand {
  std::string node;
  EnrolmentWish wish;
};
struct NodeLabelCommand {
  std::string node;
  std::map<std::string, std::string> set;
  std::vector<std::string> remove;
};

// User-data that makes a machine install the agent and enrol when it boots first.
struct NodeBootstrapCommand {
  enum class Form { kCloudInit, kPi } form = Form::kCloudInit;
  EnrolmentWish wish;
  std::string
      package;  // URL of a Debian package or of the program; "{arch}" stands for the machine's architecture
};

struct TrustCaCommand {
  bool pem = false;  // the certificate, instead of what there is to know about it
};

using EnrolmentCommand =
    std::variant<NodeTokenCreateCommand, NodeTokenListCommand, NodeTokenRevokeCommand, NodeWaitingCommand,
                 NodeApproveCommand, NodeRejectCommand, NodeRevokeCommand, NodeReplaceCommand,
                 NodeLabelCommand, NodeBootstrapCommand, TrustCaCommand>;

}  // namespace hivemind::hub::cli
