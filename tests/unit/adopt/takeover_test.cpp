#include "agent/adopt/takeover.h"

#include "tests/support/catch.h"
#include "tests/support/manifest_builder.h"

using namespace hivemind;
using namespace hivemind::agent;
using namespace hivemind::tests;

namespace {

// The stack 'web' with 'app' on a network, and 'side', which shares the network of 'app'.
Desired wanted() {
  v1::Service side = service("side");
  side.set_network_of("app");
  return desired({release("web", {with_network(service("app"), "web_default"), side})});
}

TakenContainer container(const DesiredStack& stack, const std::string& service) {
  TakenContainer taken;
  taken.container = {service + "-id", "web-" + service + "-1", {{labels::kComposeService, service}}};
  taken.service = stack.service(service);
  if (taken.service != nullptr) taken.labels = {{labels::kConfigHash, taken.service->config_hash}};
  return taken;
}

Found everything(const DesiredStack& stack) {
  Found found;
  found.stack = &stack;
  found.containers = {container(stack, "app"), container(stack, "side")};
  TakenNetwork network;
  network.network = {"net-id", "web_default", {}};
  network.desired = stack.network("web_default");
  network.labels = {{labels::kConfigHash, network.desired->config_hash}};
  found.networks = {network};
  return found;
}

// "web-app-1 equal" and so on, one a line.
std::string text(const v1::Adoption& adoption) {
  std::string lines;
  for (const v1::AdoptionItem& item : adoption.items()) {
    static const char* const kNames[] = {"unknown", "equal", "differs", "missing", "extra", "surplus"};
    lines += item.name() + " " + kNames[item.verdict()];
    for (const v1::FieldDifference& one : item.differences())
      lines += " [" + one.field() + ": " + one.now() + " -> " + one.then() + "]";
    lines += "\n";
  }
  return lines;
}

std::string hash_of(const Takeover& takeover, const std::string& id) {
  return takeover.adopted.at(id).at(labels::kConfigHash);
}

}  // namespace

TEST_CASE("what is equal counts as ours with the definition that it has") {
  const Desired desired = wanted();
  const DesiredStack& stack = desired.stacks.front();
  const Takeover takeover = takeover_of(everything(stack));
  CHECK(text(takeover.adoption) == "web-app-1 equal\nweb-side-1 equal\nweb_default equal\n");
  CHECK(takeover.adopted.size() == 3);
  CHECK(hash_of(takeover, "app-id") == stack.service("app")->config_hash);
  CHECK(hash_of(takeover, "net-id") == stack.network("web_default")->config_hash);
}

TEST_CASE("what differs counts as ours of another definition, and what stands on it follows") {
  const Desired desired = wanted();
  const DesiredStack& stack = desired.stacks.front();
  Found found = everything(stack);
  found.containers[0].differences = {{"HostConfig.Memory", "5", ""}};
  const Takeover takeover = takeover_of(found);
  CHECK_THAT(text(takeover.adoption),
             ContainsSubstring("web-app-1 differs [HostConfig.Memory:  -> 5]\nweb-side-1 differs ["));
  CHECK(hash_of(takeover, "app-id") != stack.service("app")->config_hash);
  CHECK(hash_of(takeover, "side-id") != stack.service("side")->config_hash);
  CHECK(hash_of(takeover, "net-id") == stack.network("web_default")->config_hash);
}

TEST_CASE("containers on a network that is made anew are made anew") {
  const Desired desired = wanted();
  Found found = everything(desired.stacks.front());
  found.networks[0].differences = {{"Internal", "true", ""}};
  CHECK_THAT(text(takeover_of(found).adoption),
             ContainsSubstring("web-app-1 differs [Networks.web_default:"));
}

TEST_CASE("what the release does not have is left alone") {
  const Desired desired = wanted();
  const DesiredStack& stack = desired.stacks.front();
  Found found = everything(stack);
  found.containers.push_back(container(stack, "old"));
  const Takeover takeover = takeover_of(found);
  CHECK_THAT(text(takeover.adoption), ContainsSubstring("web-old-1 extra"));
  CHECK_FALSE(takeover.adopted.contains("old-id"));
}

TEST_CASE("the code is of all that is shown, and of values that are not") {
  const Desired desired = wanted();
  const DesiredStack& stack = desired.stacks.front();
  Found found = everything(stack);
  found.containers[0].differences = {{"Config.Env.PASSWORD", "\"new\"", "\"old\""}};
  const v1::Adoption first = takeover_of(found).adoption;
  CHECK(first.digest() == takeover_of(found).adoption.digest());
  CHECK_THAT(text(first), !ContainsSubstring("old\""));
  found.containers[0].differences[0].theirs = "\"older\"";
  CHECK(takeover_of(found).adoption.digest() != first.digest());
  found = everything(stack);
  found.missing_networks = {"web_other"};
  CHECK(takeover_of(found).adoption.digest() != takeover_of(everything(stack)).adoption.digest());
}

TEST_CASE("a long value is cut between characters, so that what is shown can be read") {
  const Desired desired = wanted();
  Found found = everything(desired.stacks.front());
  std::string value = "\"x";
  for (int i = 0; i < 200; ++i) value += "ö";
  found.containers[0].differences = {{"Config.Labels.a", value, value},
                                     {"Config.Labels.b", value + "y", "x" + value}};
  v1::Adoption read;
  REQUIRE(read.ParseFromString(takeover_of(found).adoption.SerializeAsString()));
  CHECK_THAT(read.items(0).differences(1).then(), ContainsSubstring("ö…"));
  CHECK_THAT(read.items(0).differences(1).now(), ContainsSubstring("ö…"));
}
