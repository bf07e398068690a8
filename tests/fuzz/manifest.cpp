#include "agent/link/judge.h"
#include "tests/fuzz/fuzz.h"

// What a hub in the wrong hands, or a newer one, may have signed.
namespace hivemind::tests {
namespace {

bool leaves_its_place(std::string_view path) {
  return path.starts_with("/") || ("/" + std::string(path) + "/").find("/../") != std::string::npos;
}

void check(const agent::DesiredService& service) {
  require(!service.name.empty(), "a service has no name");
  for (const agent::DesiredMount& mount : service.mounts) {
    require(mount.target.starts_with("/"), "a mount has no place in the container");
    require(!leaves_its_place(mount.source), "a mount leaves the stack's directory");
    for (const agent::DesiredFile& file : mount.files)
      require(!file.path.empty() && !leaves_its_place(file.path), "a file leaves its mount");
  }
}

void check(const agent::Desired& desired) {
  std::string before;
  for (const agent::DesiredStack& stack : desired.stacks) {
    require(before < stack.name, "stacks are not sorted, or doubled");
    before = stack.name;
    for (const agent::DesiredService& service : stack.services) check(service);
    require(stack.in_order().size() == stack.services.size(), "the order lacks a service");
  }
}

}  // namespace
}  // namespace hivemind::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hivemind;
  static const SigningKey key = SigningKey::generate();
  const std::string envelope = seal_envelope(key, kManifestKind, tests::text_of(data, size));
  const agent::Newest newest{5, "digest"};
  const agent::Judgement judgement = agent::judge(envelope, key.verify_key(), "pi-1", newest);
  if (const auto* accepted = std::get_if<agent::AcceptedManifest>(&judgement)) {
    tests::require(accepted->desired.node == "pi-1", "another node's manifest is accepted");
    tests::require(accepted->desired.generation > newest.generation, "an older manifest is accepted");
    tests::check(accepted->desired);
  } else if (const auto* refused = std::get_if<agent::RefusedManifest>(&judgement)) {
    tests::require(refused->reason != v1::REASON_NONE && !refused->text.empty(), "refused without a reason");
  }
  return 0;
}
