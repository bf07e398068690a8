// Secrets and the logins of registries.
#include "hub/desired/secrets.h"

#include <fstream>
#include <iostream>
#include <ostream>

#include <fmt/format.h>

#include "common/digest.h"
#include "common/error.h"
#include "common/file.h"
#include "common/sealing.h"
#include "hub/cli/commands.h"
#include "hub/cli/text.h"
#include "hub/cli/views.h"

namespace hivemind::hub::cli {
namespace {

using std::filesystem::path;

constexpr std::chrono::seconds kPatience{30};

// No more than tells that it is too much: a pipe or a device may never end.
std::string content_of(const path& file) {
  if (file != "-") open_file(file);  // throws, with the reason
  std::ifstream opened(file);
  std::istream& in = file == "-" ? std::cin : opened;
  std::string content(kMaxSecretBytes + 1, '\0');
  in.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (in.bad()) throw Error(ErrorCode::kInvalid, "'{}' cannot be read", file.string());
  content.resize(static_cast<std::size_t>(in.gcount()));
  if (content.size() > kMaxSecretBytes) {
    throw Error(ErrorCode::kInvalid, "'{}' has more than {} bytes (1 to {} are possible)", file.string(),
                kMaxSecretBytes, kMaxSecretBytes);
  }
  return content;
}

// Looked at here as well: a hub hangs up on more than a request may have, which reads as if it were away.
std::string secret_value_of(const path& file) {
  std::string value = content_of(file);
  if (value.empty())
    throw Error(ErrorCode::kInvalid, "'{}' has 0 bytes (1 to {} are possible)", file.string(),
                kMaxSecretBytes);
  return value;
}

// Files with one line end in a line break that nobody means.
std::string line_of(const path& file) {
  std::string text = content_of(file);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

// What the API says of a change.
std::string done_text(const Json& answer) {
  return printable(text_of(answer, "text")) + "\n";
}

// Those that ask the hub. One alternative each.
class Asking {
 public:
  Asking(Output output, HubClient& hub, const Console& console)
      : output_(output), hub_(hub), console_(console) {}

  ExitCode operator()(const SecretSetCommand& command) const {
    const Json body{{"scope", command.scope}, {"value_base64", to_base64(secret_value_of(command.file))}};
    return say(hub_.put("/api/v1/secrets/" + command.name, body, kPatience));
  }
  ExitCode operator()(const SecretListCommand&) const { return list("/api/v1/secrets", secret_list_view); }
  ExitCode operator()(const SecretRemoveCommand& command) const {
    const std::string force = command.while_used == WhileUsed::kForce ? "&force=true" : "";
    return say(hub_.remove(fmt::format("/api/v1/secrets/{}?scope={}{}", command.name,
                                       http::Client::escape(command.scope), force),
                           kPatience));
  }
  ExitCode operator()(const SecretKeyCommand&) const {
    const Json answer = hub_.get("/api/v1/sealing-key");
    console_.out << (output_ == Output::kJson ? pretty(answer) : text_of(answer, "key") + "\n");
    return ExitCode::kOk;
  }
  ExitCode operator()(const SecretSealCommand& command) const {
    return print_sealed(command, SealKey::parse(text_of(hub_.get("/api/v1/sealing-key"), "key")), console_);
  }
  ExitCode operator()(const RegistryLoginCommand& command) const {
    Json body{{"username", command.username}};
    body[command.username.empty() ? "identity_token" : "password"] = line_of(command.password_file);
    return say(hub_.put("/api/v1/registries/" + http::Client::escape(command.registry), body, kPatience));
  }
  ExitCode operator()(const RegistryListCommand&) const {
    return list("/api/v1/registries", registry_list_view);
  }
  ExitCode operator()(const RegistryLogoutCommand& command) const {
    return say(hub_.remove("/api/v1/registries/" + http::Client::escape(command.registry), kPatience));
  }

  static ExitCode print_sealed(const SecretSealCommand& command, const SealKey& key, const Console& console) {
    const std::string value = secret_value_of(command.file);
    console.out << fmt::format("{}: {}{}\n", command.name, kSealedPrefix,
                               to_base64(key.seal(sealed_content(command.name, value))));
    return ExitCode::kOk;
  }

 private:
  ExitCode say(const Json& answer) const {
    console_.out << (output_ == Output::kJson ? pretty(answer) : done_text(answer));
    return ExitCode::kOk;
  }
  ExitCode list(const std::string& target, std::string (*view)(const Json&, const Screen&)) const {
    const Json answer = hub_.get(target);
    console_.out << (output_ == Output::kJson ? pretty(answer) : view(answer, console_.out_screen()));
    return ExitCode::kOk;
  }

  Output output_;
  HubClient& hub_;
  const Console& console_;
};

}  // namespace

bool needs_hub(const SecretCommand& command) {
  const auto* seal = std::get_if<SecretSealCommand>(&command);
  return seal == nullptr || seal->key.empty();
}

ExitCode secret(const SecretCommand& command, Output output, HubClient& hub, const Console& console) {
  return std::visit(Asking(output, hub, console), command);
}

ExitCode seal_offline(const SecretCommand& command, const Console& console) {
  const auto& seal = std::get<SecretSealCommand>(command);
  return Asking::print_sealed(seal, SealKey::parse(read_file(seal.key)), console);
}

}  // namespace hivemind::hub::cli
