#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "agent/apply/reconciler.h"
#include "agent/plan/reference.h"
#include "common/log.h"
#include "common/rethrow.h"

namespace hivemind::agent {
namespace {

namespace asio = boost::asio;

// So that what could not be removed at once is tried again.
constexpr std::chrono::hours kCleanEvery{24};

std::int64_t wall_s() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

std::int64_t bytes_of(const PullImage& action, const Desired& desired) {
  for (const DesiredStack& stack : desired.stacks) {
    for (const DesiredService& service : stack.services) {
      if (service.image == action.image && service.platform == action.platform && service.image_bytes > 0)
        return service.image_bytes;
    }
  }
  return 0;
}

std::optional<RegistryLogin> login_for(const std::string& image, const Desired& desired) {
  try {
    const std::string registry = ImageReference::parse(image).registry();
    const auto found = std::ranges::find(desired.registry_logins, registry, &RegistryLogin::registry);
    if (found != desired.registry_logins.end()) return *found;
  } catch (const Error&) {
    // The pull says what is wrong with the name.
  }
  return std::nullopt;
}

}  // namespace

std::shared_ptr<Pulls> Reconciler::make_pulls() {
  // The pulls may outlive this object only in coroutines that a stopped loop never resumes.
  const std::weak_ptr<Reconciler> weak = weak_from_this();
  const auto pulled = [weak](const std::string& key) {
    const auto self = weak.lock();
    if (!self) return;
    for (const DesiredStack& stack : self->desired_->stacks) {
      for (const DesiredService& service : stack.services) {
        if (image_key(service.image, service.platform) == key)
          self->past_.fresh.insert(subject_of(stack.name, service.name));
      }
    }
    self->note_pull(key, wall_s());
    self->trigger();
  };
  const auto failed = [weak] {
    if (const auto self = weak.lock()) self->trigger();
  };
  const auto progressed = [weak] {
    const auto self = weak.lock();
    if (!self) return;
    self->past_.fetches = self->pulls_->states();
    for (Pending& pending : self->standing_.plan.pending) {
      const DesiredStack* stack = self->standing_.desired->stack(pending.stack);
      const DesiredService* service = stack == nullptr ? nullptr : stack->service(pending.service);
      if (service == nullptr || pending.reason != v1::REASON_PULLING) continue;
      const auto fetch = self->pulls_->states().find(image_key(service->image, service->platform));
      if (fetch != self->pulls_->states().end()) pending.text = fetch->second.text;
    }
    self->callbacks_.on_standing();
  };
  Pulls::Options options{options_.parallel_pulls, options_.disk_reserve_bytes, {}};
  options.disk = [this] {
    return standing_.engine ? disk_space(standing_.engine->root_directory) : std::nullopt;
  };
  return std::make_shared<Pulls>(loop_, engine_, images_, std::move(options),
                                 Pulls::Callbacks{pulled, failed, progressed});
}

// The manifest may have what the releases that run now do not: the images of those to come, and newer logins.
PullWish Reconciler::wish_for(const PullImage& action, const Desired& effective) const {
  const Desired& manifest = desired_ ? *desired_ : effective;
  const std::int64_t bytes = bytes_of(action, manifest);
  PullWish wish{action.image, action.platform, login_for(action.image, manifest),
                bytes > 0 ? bytes : bytes_of(action, effective)};
  try {
    if (wish.login) wish.login = runner_.vault().opened(*wish.login);
  } catch (const Error& error) {
    wish.refusal = error;
  }
  return wish;
}

// Not before all is as desired: the containers of a release that came to its end hold its images until then.
void Reconciler::tend_images() {
  if (!standing_.settled || !busy_.empty() || !desired_ || past_.images.empty()) return;
  std::map<std::string, std::string> good;
  for (const auto& [stack, release] : past_.good) good[stack] = release.digest;
  if (cleaned_for_ == good && Clock::now() < clean_at_) return;
  cleaned_for_ = std::move(good);
  clean_at_ = Clock::now() + kCleanEvery;
  asio::co_spawn(loop_, clean_images(), rethrow);
}

asio::awaitable<void> Reconciler::clean_images() {
  const auto self = shared_from_this();
  try {
    co_await images_.clean();
  } catch (const Error& error) {
    log::warn("images not looked through: {}", error.what());
  }
}

}  // namespace hivemind::agent
