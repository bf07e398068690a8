#include "hub/desired/compose/pin.h"

#include <algorithm>

#include <fmt/format.h>

namespace hivemind::hub::compose {
namespace {

// An image that is never pulled has been brought to the node by hand: it has no digest of a registry.
bool wants_pin(const Image& image, const Options& options) {
  if (image.reference.value.empty() || image.reference.value.find('@') != std::string::npos) return false;
  if (image.pin) return *image.pin;
  return options.pin == PinImages::kYes && image.pull_policy != v1::PULL_POLICY_NEVER;
}

struct Platform {
  std::string os, architecture, variant;
};

Platform parse(std::string_view text) {
  Platform platform;
  for (std::string* part : {&platform.os, &platform.architecture, &platform.variant}) {
    *part = text.substr(0, text.find('/'));
    text.remove_prefix(std::min(text.size(), part->size() + 1));
  }
  // The engine takes an architecture alone, and 64-bit ARM has one variant only.
  if (platform.architecture.empty()) platform = {"linux", platform.os, ""};
  if (platform.architecture == "arm64" && platform.variant == "v8") platform.variant.clear();
  return platform;
}

bool serves(std::string_view offered, std::string_view wanted) {
  const Platform has = parse(offered), needs = parse(wanted);
  return has.os == needs.os && has.architecture == needs.architecture &&
         (needs.variant.empty() || has.variant == needs.variant);
}

void require_platform(const Image& image, const Pin& pin, Reader& reader) {
  if (image.platform.empty() || pin.platforms.empty()) return;
  if (std::ranges::any_of(pin.platforms, [&](const auto& one) { return serves(one, image.platform); }))
    return;
  reader.error(image.reference.location, "compose.pin-platform",
               fmt::format("image '{}' is not there for platform '{}', but for {} (as '{}')",
                           image.reference.value, image.platform, fmt::join(pin.platforms, ", "), pin.digest),
               "use one of these platforms, or an image that has it");
}

Pinned pin(Service& service, const Pins& pins, Reader& reader) {
  Image& image = service.image;
  const Pin* const pin = pins.find({"", service.name, image.reference.value, image.reference.location});
  if (pin == nullptr) {
    reader.warning(image.reference.location, kPinPending,
                   fmt::format("image '{}' has not been resolved to a digest yet", image.reference.value));
    return Pinned::kPending;
  }
  require_platform(image, *pin, reader);
  image.reference.value += "@" + pin->digest;
  return Pinned::kDone;
}

}  // namespace

Pinned pin_images(Project& project, const Options& options, Reader& reader) {
  Pinned all = Pinned::kDone;
  for (auto& [name, service] : project.services) {
    const Reader::Scope scope = reader.in_service(name);
    if (!wants_pin(service.image, options)) continue;
    if (options.pins == nullptr) {
      reader.warning(service.image.reference.location, "compose.pin-unresolved",
                     fmt::format("image '{}' is shown by its tag: only the hub asks registries for digests",
                                 service.image.reference.value));
    } else if (pin(service, *options.pins, reader) == Pinned::kPending) {
      all = Pinned::kPending;
    }
  }
  return all;
}

}  // namespace hivemind::hub::compose
