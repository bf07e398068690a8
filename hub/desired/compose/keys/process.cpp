#include <fmt/format.h>

#include "hub/desired/compose/keys/family.h"
#include "hub/desired/compose/scalars/shell_words.h"

namespace hivemind::hub::compose {
namespace {

// A list as it is; a string is split as a shell would, but not run by one. An empty entrypoint is not the
// same as none: the engine takes an empty list for "clear the image's" (moby, daemon/commit.go: merge).
template <auto Member>
void read_command(const yaml::Node& node, Service& service, Reader& reader) {
  if (node.is_sequence()) {
    service.process.*Member = values(reader.texts(node));
    return;
  }
  if (node.type() != yaml::Type::kString || !node.is_scalar()) {
    reader.wrong_type(node, "a string or a list of strings");
    return;
  }
  std::string_view rest;
  auto words = split_shell_words(node.scalar, &rest);
  if (!words) reader.invalid(node, "a command with every quote and parenthesis closed");
  if (!rest.empty()) {
    reader.warning(node.location, "compose.command-cut",
                   fmt::format("'{}' ends before '{}': no shell runs it", reader.path(), rest),
                   "write it as a list: [sh, -c, '…']");
  }
  service.process.*Member = std::move(words);
}

constexpr Field<Service> kFields[] = {
    {"command", read_command<&Process::command>, Null::kAllowed},
    {"entrypoint", read_command<&Process::entrypoint>, Null::kAllowed},
    {"user", read_text<&Service::process, &Process::user>},
    {"working_dir", read_text<&Service::process, &Process::working_dir>},
    {"tty", read_flag<&Service::process, &Process::tty>},
    {"stdin_open", read_flag<&Service::process, &Process::stdin_open>},
};

void emit(const Service& service, const Project&, EngineBody& body) {
  const Process& process = service.process;
  put(body.config, "Cmd", process.command);
  put(body.config, "Entrypoint", process.entrypoint);
  put(body.config, "User", process.user);
  put(body.config, "WorkingDir", process.working_dir);
  put(body.config, "Tty", process.tty);
  put(body.config, "OpenStdin", process.stdin_open);
}

void print(const Service& service, const Project&, nlohmann::json& into) {
  const Process& process = service.process;
  into["command"] = nullptr;  // these two are always there
  into["entrypoint"] = nullptr;
  put(into, "command", process.command);
  put(into, "entrypoint", process.entrypoint);
  put(into, "user", process.user.value_or(""));
  put(into, "working_dir", process.working_dir.value_or(""));
  if (process.tty.value_or(false)) into["tty"] = true;
  if (process.stdin_open.value_or(false)) into["stdin_open"] = true;
}

}  // namespace

constinit const Family kProcess{kFields, emit, print};

}  // namespace hivemind::hub::compose
