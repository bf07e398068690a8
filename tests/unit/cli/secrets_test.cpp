// Secrets and the logins of registries, on the command line.
#include "hub/desired/secrets.h"

#include <fstream>
#include <sstream>

#include "common/digest.h"
#include "common/sealing.h"
#include "hub/cli/run.h"
#include "hub/cli/text.h"
#include "hub/cli/views.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind::hub::cli;
using hivemind::OpenKey;
using hivemind::tests::ContainsSubstring;

namespace {

SecretCommand parsed(std::vector<std::string> args) {
  return std::get<SecretCommand>(std::get<Invocation>(parse_command_line(std::move(args))).command);
}
std::string refused(std::vector<std::string> args) {
  const auto answer = parse_command_line(std::move(args));
  const auto* answered = std::get_if<Answered>(&answer);
  return answered == nullptr || answered->code != ExitCode::kUsage ? "" : answered->text;
}

}  // namespace

TEST_CASE("a secret is set for one part of the fleet") {
  const auto scope = [](std::vector<std::string> flags) {
    flags.insert(flags.begin(), {"secret", "set", "DB", "--file", "f"});
    return std::get<SecretSetCommand>(parsed(std::move(flags))).scope;
  };
  CHECK(scope({}) == "fleet");
  CHECK(scope({"--node", "pi-1"}) == "node:pi-1");
  CHECK(scope({"--stack", "web"}) == "stack:web");
  CHECK(scope({"--selector", "site=berlin,rack=7"}) == "selector:site=berlin,rack=7");
  CHECK_THAT(refused({"secret", "set", "DB", "--file", "f", "--node", "a", "--stack", "b"}),
             ContainsSubstring("excludes"));
  CHECK_THAT(refused({"secret", "set", "DB", "--file", "f", "--selector", "site"}),
             ContainsSubstring("is no selector"));
  CHECK_THAT(refused({"secret", "set", "a/b", "--file", "f"}), ContainsSubstring("is no name for a secret"));
  CHECK_THAT(refused({"secret", "set", "DB"}), ContainsSubstring("--file"));
}

TEST_CASE("the other commands say what they mean") {
  CHECK(std::get<SecretRemoveCommand>(parsed({"secret", "rm", "DB", "--force"})).while_used ==
        WhileUsed::kForce);
  CHECK(std::holds_alternative<SecretListCommand>(parsed({"secret", "ls"})));
  CHECK(std::holds_alternative<SecretKeyCommand>(parsed({"secret", "key"})));
  CHECK(std::holds_alternative<RegistryListCommand>(parsed({"registry", "ls"})));
  CHECK(std::get<RegistryLogoutCommand>(parsed({"registry", "logout", "ghcr.io"})).registry == "ghcr.io");
  const auto login = std::get<RegistryLoginCommand>(
      parsed({"registry", "login", "reg:5000", "--username", "me", "--password-file", "-"}));
  CHECK(login.registry == "reg:5000");
  CHECK(login.username == "me");
  CHECK(login.password_file == "-");
  for (const char* wrong : {"a/b", "not a host", "reg"}) {
    CHECK_THAT(refused({"registry", "login", wrong, "--password-file", "-"}),
               ContainsSubstring("is no registry"));
  }
}

TEST_CASE("sealing needs the public key alone, and only its other half opens what comes out") {
  const hivemind::tests::TemporaryDirectory directory;
  const OpenKey key = OpenKey::generate();
  std::ofstream(directory / "key") << key.seal_key().text() << "\n";
  std::ofstream(directory / "value") << "hunter2\n";
  std::ostringstream out, err;
  CHECK(run({"secret", "seal", "DB", "--key", directory / "key", "--file", directory / "value"},
            Console{out, err}) == ExitCode::kOk);
  const std::string line = out.str(), start = "DB: hm1:";
  REQUIRE(line.substr(0, start.size()) == start);
  CHECK(line.back() == '\n');
  CHECK(line.find("hunter2") == std::string::npos);
  const std::string sealed = line.substr(start.size(), line.size() - start.size() - 1);
  CHECK(hivemind::hub::secret_of("DB", key.open(hivemind::from_base64(sealed)))->value() == "hunter2\n");
  CHECK_THROWS_AS(hivemind::hub::secret_of("OTHER", key.open(hivemind::from_base64(sealed))),
                  hivemind::Error);

  std::ofstream(directory / "bad") << "no key\n";
  CHECK(run({"secret", "seal", "DB", "--key", directory / "bad", "--file", directory / "value"},
            Console{out, err}) == ExitCode::kUsage);
}

TEST_CASE("a value that no hub would take is refused before one is asked") {
  const hivemind::tests::TemporaryDirectory directory;
  std::ofstream(directory / "token") << "t\n";
  std::ofstream(directory / "large") << std::string((512u << 10) + 1, 'x');
  std::ofstream(directory / "empty");
  for (const std::filesystem::path& file :
       {directory / "large", directory / "empty", std::filesystem::path("/dev/zero")}) {
    CAPTURE(file);
    std::ostringstream out, err;
    // Nobody listens there.
    CHECK(run({"--hub", "http://127.0.0.1:1", "--token-file", directory / "token", "secret", "set", "DB",
               "--file", file},
              Console{out, err}) == ExitCode::kUsage);
    CHECK_THAT(err.str(), ContainsSubstring("bytes (1 to 524288 are possible)"));
  }
}

TEST_CASE("lists tell names and never values") {
  const Screen screen{80, Colour::kOff, *parse_time("2026-01-31T12:00:00Z")};
  CHECK(secret_list_view(Json::parse(R"({"secrets": [
          {"name": "DB", "scope": "fleet", "updated_at": "2026-01-31T11:59:00Z", "used_by": ["shop", "web"]},
          {"name": "DB", "scope": "node:pi-1", "updated_at": "2026-01-31T11:00:00Z", "used_by": []}]})"),
                         screen) ==
        "NAME  SCOPE      SET     USED BY\n"
        "DB    fleet      1m ago  shop, web\n"
        "DB    node:pi-1  1h ago  -\n");
  CHECK(secret_list_view(Json::parse(R"({"secrets": []})"), screen) == "no secrets are set\n");
  CHECK(registry_list_view(Json::parse(R"({"registries": [
          {"registry": "ghcr.io", "username": "me", "updated_at": "2026-01-31T11:59:00Z"},
          {"registry": "docker.io", "username": "", "updated_at": "2026-01-31T11:59:00Z"}]})"),
                           screen) ==
        "REGISTRY   USER              SET\n"
        "ghcr.io    me                1m ago\n"
        "docker.io  (identity token)  1m ago\n");
}
