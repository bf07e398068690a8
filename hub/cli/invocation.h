#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "hub/cli/access_invocation.h"
#include "hub/cli/enrolment_invocation.h"
#include "hub/cli/exit_code.h"
#include "hub/cli/secret_invocation.h"
#include "hub/desired/compose/config.h"

// What the command line asks for, as values. The adapter of CLI11 is command_line.cpp.
namespace hivemind::hub::cli {

enum class Output { kTable, kJson };
enum class Waiting { kNo, kYes };
enum class Follow { kNo, kYes };
enum class EmptyFleet { kHeld, kConfirmed };
enum class PinnedImages { kKept, kRefreshed };

struct StatusCommand {};
struct NodeListCommand {};
struct NodeShowCommand {
  std::string node;
};
struct StackListCommand {};
struct StackShowCommand {
  std::string stack;
};
struct SyncCommand {
  Waiting waiting = Waiting::kNo;
  std::chrono::milliseconds timeout{};
  EmptyFleet empty_fleet = EmptyFleet::kHeld;
  PinnedImages pinned_images = PinnedImages::kKept;
};
struct AdoptCommand {
  std::string node;
  std::string stack;
  std::string confirm;  // what was shown; empty: only show
};
struct WhyCommand {
  std::string node;
  std::string stack;  // empty: all of the node's
};
struct RetryCommand {
  std::string node;
  std::string stack;  // empty: all of the node's
};
struct ApplyCommand {  // apply --now
  std::string node;
  std::string stack;  // empty: all of the node's
};
struct PurgeCommand {
  std::string node;
  std::string stack;
  std::string confirm;  // what was shown; empty: only show
};
struct TrustShowCommand {};
struct TrustRotateCommand {};
struct TrustResumeCommand {};
struct EventsCommand {
  Follow follow = Follow::kNo;
  int limit = 0;
  std::string node;   // empty: of all
  std::string stack;  // empty: of all
};
enum class LintFormat { kText, kJson, kSarif };
struct LintCommand {
  std::filesystem::path directory;
  std::string path;  // git.path
  LintFormat format = LintFormat::kText;
};
struct RenderCommand {
  std::filesystem::path directory;
  std::string path;
  std::string node;
  std::vector<std::pair<std::string, std::string>> labels;
};
using compose::ModelFormat;
struct ConfigCommand {
  std::vector<std::filesystem::path> files;  // at least one
  std::vector<std::filesystem::path> env_files;
  std::string project_name;
  std::vector<std::string> profiles;
  std::filesystem::path project_directory;  // empty: the first file's
  ModelFormat format = ModelFormat::kYaml;
  compose::Interpolation interpolation = compose::Interpolation::kOn;
  compose::Consistency consistency = compose::Consistency::kChecked;
};
struct BrokerConfigCommand {
  std::string listen;     // empty: as the hub thinks
  std::string directory;  // where to write; empty: print
};
struct ReferenceCommand {};  // hidden: the reference part of docs/cli.md

using Command =
    std::variant<StatusCommand, NodeListCommand, NodeShowCommand, StackListCommand, StackShowCommand,
                 SyncCommand, WhyCommand, RetryCommand, ApplyCommand, PurgeCommand, AdoptCommand,
                 TrustShowCommand, TrustRotateCommand, TrustResumeCommand, EventsCommand, LintCommand,
                 RenderCommand, ConfigCommand, EnrolmentCommand, SecretCommand, BrokerConfigCommand,
                 AccessCommand, ReferenceCommand>;

struct Invocation {
  Command command;
  Output output = Output::kTable;
  std::string hub_url;
  std::filesystem::path token_file;
  std::filesystem::path ca_file = {};  // empty: what stands beside the token, or the system's store
};

// The command line was answered by parsing it: help, the version, or what is wrong with it.
struct Answered {
  ExitCode code = ExitCode::kOk;
  std::string text;
};

// args: without the program's name. Reads HIVEMIND_HUB, HIVEMIND_TOKEN_FILE and HIVEMIND_CA from the
// process's environment.
std::variant<Invocation, Answered> parse_command_line(std::vector<std::string> args);

// Every command with its flags and the exit codes, as Markdown: made from the same definitions that --help
// prints.
std::string reference_markdown();

}  // namespace hivemind::hub::cli
