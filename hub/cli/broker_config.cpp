#include <filesystem>
#include <ostream>

#include <sys/stat.h>

#include "common/error.h"
#include "common/file.h"
#include "hub/cli/commands.h"

namespace hivemind::hub::cli {
namespace {

constexpr const char* kReload = "kill -HUP $(pidof mosquitto)";

void write_all(const Json& files, const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error || ::chmod(directory.c_str(), 0700) != 0)
    throw Error(ErrorCode::kUnavailable, "directory '{}' cannot be made", directory.string());
  for (const auto& [name, content] : files.items()) {
    // The names are the hub's: none may lead elsewhere.
    if (name.find('/') != std::string::npos || !content.is_string())
      throw Error(ErrorCode::kCorrupt, "the hub's answer names a file '{}'", name);
    write_file_durably(directory / name, content.get<std::string>(), 0600);
  }
}

}  // namespace

ExitCode broker_config(const BrokerConfigCommand& command, Output output, HubClient& hub,
                       const Console& console) {
  Json body = Json::object();
  if (!command.listen.empty()) body["listen"] = command.listen;
  const std::filesystem::path directory =
      command.directory.empty() ? "" : std::filesystem::absolute(command.directory).lexically_normal();
  if (!directory.empty()) body["directory"] = directory.string();
  const Json answer = hub.post("/api/v1/broker/config", body, HubClient::kTimeout);
  const Json& files = part_of(answer, "files");
  if (!directory.empty()) {
    write_all(files, directory);
    console.out << fmt::format(
        "written to '{0}'\n"
        "to do: give the files to Mosquitto's user (chown -R mosquitto: '{0}'), and have it read them with\n"
        "the line 'include_dir {0}' in mosquitto.conf; after a change of them: {1}\n",
        directory.string(), kReload);
    return ExitCode::kOk;
  }
  if (output == Output::kJson) {
    console.out << answer.dump(2) << '\n';
    return ExitCode::kOk;
  }
  for (const auto& [name, content] : files.items())
    console.out << "# ---- " << name << '\n' << content.get<std::string>() << '\n';
  return ExitCode::kOk;
}

}  // namespace hivemind::hub::cli
