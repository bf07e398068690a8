#include "agent/apply/images.h"

#include <algorithm>

#include <boost/asio/use_awaitable.hpp>

#include "agent/plan/reference.h"
#include "common/error.h"
#include "common/log.h"
#include "hivemind/v1/manifest.pb.h"

namespace hivemind::agent {
namespace {

namespace asio = boost::asio;

// As the engine lists it; what is no reference is compared as it is.
std::string listed(const std::string& reference) {
  try {
    return ImageReference::parse(reference).listed();
  } catch (const Error&) {
    return reference;
  }
}

bool is_listed(const EngineImage& image, const std::string& name) {
  return std::ranges::find(image.references, name) != image.references.end() ||
         std::ranges::find(image.digests, name) != image.digests.end();
}

void add_release(NeededImages& needed, const GoodRelease& good) {
  for (const auto& [service, id] : good.images) needed.ids.insert(id);
  v1::Release release;
  if (good.release.empty() || !release.ParseFromString(good.release)) return;
  for (const v1::Service& service : release.services()) needed.add(service.image());
}

}  // namespace

void NeededImages::add(const std::string& reference) {
  if (!reference.empty()) names.insert(listed(reference));
}

bool NeededImages::holds(const EngineImage& image) const {
  return ids.contains(image.id) ||
         std::ranges::any_of(names, [&](const std::string& name) { return is_listed(image, name); });
}

NeededImages needed_images(const Desired& desired, const std::map<std::string, GoodRelease>& good,
                           const std::set<std::string>& in_use) {
  NeededImages needed;
  needed.ids = in_use;
  for (const std::string& used : in_use) needed.add(used);
  for (const DesiredStack& stack : desired.stacks) {
    for (const DesiredService& service : stack.services) {
      needed.add(service.image);
      if (!service.image_id.empty()) needed.ids.insert(service.image_id);
    }
  }
  for (const auto& [stack, release] : good) add_release(needed, release);
  return needed;
}

std::vector<std::string> unneeded(const std::set<PulledImage>& pulled, const std::vector<EngineImage>& there,
                                  const NeededImages& needed) {
  std::set<std::string> names;
  for (const EngineImage& image : there) {
    if (needed.holds(image)) continue;
    for (const PulledImage& ours : pulled) {
      if (ours.id != image.id) continue;
      const std::string name = listed(ours.reference);
      if (image.references.empty()) {
        names.insert(image.id);
      } else if (std::ranges::find(image.references, name) != image.references.end()) {
        names.insert(name);
      }
    }
  }
  return {names.begin(), names.end()};
}

// Written down before the pull: an agent that is killed in between finds the image again.
asio::awaitable<void> Images::begin(std::string reference) {
  under_way_.insert(reference);
  const auto id = co_await engine_.image_id(reference);
  const auto before = pulled_;
  std::erase_if(pulled_,
                [&](const PulledImage& one) { return one.reference == reference && one.id.empty(); });
  pulled_.insert({reference, "", id.value_or("")});
  change(before);
}

asio::awaitable<void> Images::end(std::string reference) {
  under_way_.erase(reference);
  const auto begun = std::ranges::find_if(
      pulled_, [&](const PulledImage& one) { return one.reference == reference && one.id.empty(); });
  if (begun == pulled_.end()) co_return;
  const std::string before = begun->before;
  co_await resolve(reference, before);
}

// Asks what became of a pull.
asio::awaitable<void> Images::resolve(std::string reference, std::string meant_before) {
  const auto id = co_await engine_.image_id(reference);
  const auto before = pulled_;
  std::erase_if(pulled_,
                [&](const PulledImage& one) { return one.reference == reference && one.id.empty(); });
  if (id && *id != meant_before) pulled_.insert({reference, *id});
  change(before);
}

void Images::change(const std::set<PulledImage>& before) {
  if (pulled_ != before) callbacks_.on_changed();
}

// What is needed is asked anew before each removal: a manifest may have come meanwhile.
asio::awaitable<std::size_t> Images::clean() {
  const auto begun = pulled_;
  for (const PulledImage& one : begun) {
    if (!one.id.empty() || under_way_.contains(one.reference)) continue;
    const std::string reference = one.reference, before = one.before;
    co_await resolve(reference, before);
  }
  if (pulled_.empty()) co_return 0;
  // The list comes last: a pull that ends behind it must not count as gone.
  const std::set<std::string> in_use = co_await engine_.images_in_use();
  const std::vector<EngineImage> there = co_await engine_.images();
  forget_gone(there);
  std::set<std::string> tried;
  std::size_t removed = 0;
  for (;;) {
    const Desired* const desired = callbacks_.desired();
    if (desired == nullptr) break;
    std::vector<std::string> names =
        unneeded(pulled_, there, needed_images(*desired, callbacks_.good(), in_use));
    std::erase_if(names, [&](const std::string& name) { return tried.contains(name); });
    if (names.empty()) break;
    const std::string name = names.front();
    tried.insert(name);
    const bool is_gone = co_await remove(name);
    if (is_gone) ++removed;
  }
  if (removed > 0) {
    const std::vector<EngineImage> left = co_await engine_.images();
    forget_gone(left);
  }
  co_return removed;
}

asio::awaitable<bool> Images::remove(std::string name) {
  try {
    co_await engine_.remove_image(name);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kUnavailable) throw;
    // Something uses it that does not show in lists; it is tried again another day.
    log::debug("{}", error.what());
    co_return false;
  }
  log::info("image '{}' is removed: nothing needs it any more", name);
  co_return true;
}

void Images::forget_gone(const std::vector<EngineImage>& there) {
  const auto before = pulled_;
  std::erase_if(pulled_, [&](const PulledImage& one) {
    return !one.id.empty() && std::ranges::find(there, one.id, &EngineImage::id) == there.end();
  });
  change(before);
}

}  // namespace hivemind::agent
