#include "agent/plan/desired.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <utility>

#include "agent/plan/body_facts.h"
#include "agent/plan/window.h"
#include "common/error.h"
#include "common/ids.h"

namespace hivemind::agent {
namespace {

// Far above what a node runs; keeps a defect of the hub from filling the engine.
constexpr std::uint32_t kMaxReplicas = 100;
constexpr std::int64_t kMaxSoakMs = 7 * 24 * 3600 * 1000LL;
constexpr int kMaxSpans = 100;
constexpr std::uint32_t kSecretMode = 0400;

template <typename T>
const T* find_by(const std::vector<T>& items, std::string T::*member, std::string_view value) {
  const auto found = std::ranges::find(items, value, member);
  return found == items.end() ? nullptr : &*found;
}

template <typename T>
void sort_unique(std::vector<T>& items, std::string T::*member, std::string_view what) {
  std::ranges::sort(items, {}, member);
  const auto twin = std::ranges::adjacent_find(items, {}, member);
  if (twin != items.end()) throw Error(ErrorCode::kInvalid, "{} '{}' is there twice", what, (*twin).*member);
}

ApiLevel parse_api(std::string_view text) {
  if (text.empty()) return {};
  ApiLevel level;
  const char* end = text.data() + text.size();
  const auto major = std::from_chars(text.data(), end, level.major);
  if (major.ec == std::errc() && major.ptr != end && *major.ptr == '.') {
    const auto minor = std::from_chars(major.ptr + 1, end, level.minor);
    if (minor.ec == std::errc() && minor.ptr == end) return level;
  }
  throw Error(ErrorCode::kInvalid, "engine API '{}' is no version (such as 1.41)", text);
}

// The hub has cleaned the paths; what leaves its place here is a defect or an attack.
std::string checked_path(std::string path) {
  if (path.starts_with("./")) path.erase(0, 2);
  while (path.ends_with('/')) path.pop_back();
  if (path == ".") path.clear();
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find('/'));
    if (part.empty() || part == "." || part == ".." || part.find('\0') != std::string_view::npos) {
      throw Error(ErrorCode::kInvalid, "path '{}' leaves its place", path);
    }
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
  }
  return path;
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

DesiredFile file_from(v1::FileEntry& entry) {
  DesiredFile file{checked_path(std::move(*entry.mutable_path())), std::move(*entry.mutable_sha256()),
                   entry.mode() & 07777};
  if (entry.has_uid()) file.uid = entry.uid();
  if (entry.has_gid()) file.gid = entry.gid();
  file.secret = std::move(*entry.mutable_secret());
  if (!file.secret.empty() && file.mode == 0) file.mode = kSecretMode;
  const bool has_content =
      file.secret.empty() ? is_sha256(file.sha256) : is_secret_id(file.secret) && file.sha256.empty();
  if (file.path.empty() || !has_content) {
    throw Error(ErrorCode::kInvalid, "file '{}' has no name, or not exactly one of SHA-256 and secret",
                file.path);
  }
  return file;
}

// They must not be written to a disk, and nothing that the node keeps can be among them.
void require_pure_secrets(const DesiredMount& mount) {
  const auto is_secret = [](const DesiredFile& file) { return !file.secret.empty(); };
  const auto is_plain = [](const DesiredFile& file) { return file.path.find('/') == std::string::npos; };
  const auto secrets = std::ranges::count_if(mount.files, is_secret);
  const bool is_pure = secrets == std::ssize(mount.files) && std::ranges::all_of(mount.files, is_plain);
  if (secrets == 0 || (is_pure && !mount.is_kept())) return;
  throw Error(ErrorCode::kInvalid,
              "mount '{}' holds secrets, and is writable, or holds other files or directories", mount.target);
}

DesiredMount mount_from(v1::FileMount& message) {
  DesiredMount mount;
  mount.target = std::move(*message.mutable_target());
  mount.access = message.read_only() ? Access::kReadOnly : Access::kReadWrite;
  mount.single = message.single();
  mount.options = std::move(*message.mutable_options());
  for (v1::FileEntry& entry : *message.mutable_entries()) mount.files.push_back(file_from(entry));
  sort_unique(mount.files, &DesiredFile::path, "file");
  mount.shared = message.shared();
  // Where content is shown as it is, the source is only what people wrote; else it names a directory of ours.
  if (mount.is_kept()) mount.source = checked_path(std::move(*message.mutable_source()));
  if (!mount.target.starts_with('/')) {
    throw Error(ErrorCode::kInvalid, "mount target '{}' is not absolute", mount.target);
  }
  if (mount.single && mount.files.size() != 1) {
    throw Error(ErrorCode::kInvalid, "mount '{}' is of a single file, but has {}", mount.target,
                mount.files.size());
  }
  require_pure_secrets(mount);
  if (mount.single && mount.is_kept() && mount.source.empty()) {
    throw Error(ErrorCode::kInvalid, "mount '{}' is of a single file without a name", mount.target);
  }
  return mount;
}

Dependency dependency_from(v1::Dependency& message) {
  Dependency dependency{std::move(*message.mutable_service()), Condition::kStarted, message.required(),
                        message.restart()};
  if (message.condition() == v1::Dependency::HEALTHY) dependency.condition = Condition::kHealthy;
  if (message.condition() == v1::Dependency::COMPLETED) dependency.condition = Condition::kCompleted;
  return dependency;
}

PullPolicy policy_from(v1::PullPolicy policy) {
  if (policy == v1::PULL_POLICY_ALWAYS) return PullPolicy::kAlways;
  if (policy == v1::PULL_POLICY_EVERY) return PullPolicy::kEvery;
  return policy == v1::PULL_POLICY_NEVER ? PullPolicy::kNever : PullPolicy::kMissing;
}

VolumesFrom volumes_from(v1::VolumesFrom& message) {
  if (message.service().empty() == message.container().empty())
    throw Error(ErrorCode::kInvalid, "volumes_from names not exactly one of service and container");
  return {std::move(*message.mutable_service()), std::move(*message.mutable_container()),
          message.read_only() ? Access::kReadOnly : Access::kReadWrite};
}

std::vector<Hook> hooks_from(const google::protobuf::RepeatedPtrField<v1::Hook>& messages) {
  std::vector<Hook> hooks;
  for (const v1::Hook& message : messages) {
    if (message.command().empty()) throw Error(ErrorCode::kInvalid, "a hook has no command");
    hooks.push_back({{message.command().begin(), message.command().end()},
                     message.user(),
                     message.privileged(),
                     message.working_dir(),
                     {message.environment().begin(), message.environment().end()}});
  }
  return hooks;
}

void fill_trial(DesiredService& service, const v1::Service& message) {
  if (message.soak_ms() < 0 || message.soak_ms() > kMaxSoakMs)
    throw Error(ErrorCode::kInvalid, "a soak time of {} ms (0 to {})", message.soak_ms(), kMaxSoakMs);
  if (message.image_bytes() < 0)
    throw Error(ErrorCode::kInvalid, "an image of {} bytes", message.image_bytes());
  service.soak = std::chrono::milliseconds(message.soak_ms());
  service.image_bytes = message.image_bytes();
}

void fill_lifecycle(DesiredService& service, v1::Service& message) {
  service.network_of = std::move(*message.mutable_network_of());
  service.pid_of = std::move(*message.mutable_pid_of());
  service.ipc_of = std::move(*message.mutable_ipc_of());
  for (v1::VolumesFrom& from : *message.mutable_volumes_from())
    service.volumes_from.push_back(volumes_from(from));
  service.pull_every = std::chrono::seconds(std::max<std::int64_t>(message.pull_every_s(), 0));
  if (message.update_order() == v1::UPDATE_ORDER_START_FIRST) service.update_order = UpdateOrder::kStartFirst;
  service.post_start = hooks_from(message.post_start());
  service.pre_stop = hooks_from(message.pre_stop());
}

// A body may have no other secrets than those that its service was given.
void fill_secrets(DesiredService& service, const v1::Service& message) {
  service.secrets.assign(message.secrets().begin(), message.secrets().end());
  std::ranges::sort(service.secrets);
  service.secrets_flaw = secrets_flaw(service);
}

DesiredService service_from(v1::Service& message) {
  DesiredService service;
  service.name = std::move(*message.mutable_name());
  if (!is_compose_key(service.name))
    throw Error(ErrorCode::kInvalid, "service '{}' has no valid name", service.name);
  service.image = std::move(*message.mutable_image());
  service.pull_policy = policy_from(message.pull_policy());
  service.platform = std::move(*message.mutable_platform());
  service.engine_body = std::move(*message.mutable_engine_body());
  service.config_hash = std::move(*message.mutable_config_hash());
  service.container_name = std::move(*message.mutable_container_name());
  service.replicas = message.replicas();
  fill_lifecycle(service, message);
  fill_trial(service, message);
  for (v1::Dependency& dependency : *message.mutable_depends_on()) {
    service.depends_on.push_back(dependency_from(dependency));
  }
  std::ranges::sort(service.depends_on, {}, &Dependency::service);
  for (v1::Endpoint& endpoint : *message.mutable_endpoints()) {
    const bool fixed = has_fixed_address(endpoint.engine_body());
    service.endpoints.push_back(
        {std::move(*endpoint.mutable_network()), std::move(*endpoint.mutable_engine_body()), fixed});
  }
  for (v1::FileMount& mount : *message.mutable_file_mounts()) service.mounts.push_back(mount_from(mount));
  if (service.config_hash.empty() || service.image.empty()) {
    throw Error(ErrorCode::kInvalid, "image or config hash is missing");
  }
  if (service.replicas > kMaxReplicas) {
    throw Error(ErrorCode::kInvalid, "{} replicas (at most {})", service.replicas, kMaxReplicas);
  }
  service.facts = body_facts(service.engine_body);
  fill_secrets(service, message);
  return service;
}

// Networks and volumes are the same shape on the wire.
template <typename Thing, typename Message>
Thing resource_from(Message& message) {
  Thing thing;
  thing.key = std::move(*message.mutable_key());
  thing.name = std::move(*message.mutable_name());
  thing.owner = message.external() ? Owner::kExternal : Owner::kStack;
  thing.engine_body = std::move(*message.mutable_engine_body());
  thing.config_hash = std::move(*message.mutable_config_hash());
  if (thing.name.empty()) throw Error(ErrorCode::kInvalid, "network or volume '{}' has no name", thing.key);
  return thing;
}

void require_dependencies(const DesiredStack& stack) {
  for (const DesiredService& service : stack.services) {
    for (const Dependency& dependency : service.depends_on) {
      if (stack.service(dependency.service) != nullptr) continue;
      throw Error(ErrorCode::kInvalid, "service '{}' depends on '{}', which is not there", service.name,
                  dependency.service);
    }
    for (const std::string& base : service.bases()) {
      if (stack.service(base) != nullptr) continue;
      throw Error(ErrorCode::kInvalid, "service '{}' shares what '{}' has, which is not there", service.name,
                  base);
    }
  }
  if (stack.in_order().size() != stack.services.size()) {
    throw Error(ErrorCode::kInvalid, "its services depend on one another in a circle");
  }
}

DesiredWindow::Span span_from(const v1::Window::Span& message) {
  constexpr unsigned kAllDays = 0x7f, kDay = 24 * 60;
  const DesiredWindow::Span span{message.days(), message.from_minute(), message.to_minute()};
  if (span.days == 0 || span.days > kAllDays || span.from_minute >= kDay || span.to_minute > kDay ||
      span.from_minute == span.to_minute) {
    throw Error(ErrorCode::kInvalid, "window: days {}, minutes {} to {} are no span", span.days,
                span.from_minute, span.to_minute);
  }
  return span;
}

DesiredWindow window_from(v1::Window& message) {
  if (message.spans().empty() || message.spans_size() > kMaxSpans)
    throw Error(ErrorCode::kInvalid, "window: {} spans (1 to {})", message.spans_size(), kMaxSpans);
  DesiredWindow window;
  for (const v1::Window::Span& span : message.spans()) window.spans.push_back(span_from(span));
  window.posix_tz = std::move(*message.mutable_posix_tz());
  window.text = std::move(*message.mutable_text());
  if (!message.timezone().empty()) window.text += " " + message.timezone();
  Window{window};  // reads the zone's rule
  return window;
}

// A service that runs once for an update has no container that stands, so nothing can wait for it, be made
// with it, or be two of it.
void require_one_shot(const DesiredStack& stack, const std::string& name, std::string_view key) {
  if (name.empty()) return;
  if (stack.service(name) == nullptr)
    throw Error(ErrorCode::kInvalid, "'{}' names service '{}', which is not there", key, name);
  for (const DesiredService& service : stack.services) {
    const auto depends = [&](const Dependency& one) { return one.service == name; };
    const std::vector<std::string> bases = service.bases();
    if (std::ranges::any_of(service.depends_on, depends) || std::ranges::find(bases, name) != bases.end()) {
      throw Error(ErrorCode::kInvalid, "service '{}' needs '{}', which runs as '{}' only", service.name, name,
                  key);
    }
  }
}

void fill_jobs(DesiredStack& stack, v1::Release& release) {
  stack.pre = std::move(*release.mutable_pre());
  stack.post = std::move(*release.mutable_post());
  require_one_shot(stack, stack.pre, "pre");
  require_one_shot(stack, stack.post, "post");
  if (!stack.pre.empty() && stack.pre == stack.post)
    throw Error(ErrorCode::kInvalid, "service '{}' is both 'pre' and 'post'", stack.pre);
  for (DesiredService& service : stack.services) {
    if (stack.is_job(service.name)) service.replicas = 0;
  }
}

void fill_stack(DesiredStack& stack, v1::Release& release) {
  stack.digest = std::move(*release.mutable_digest());
  stack.revision = std::move(*release.mutable_revision());
  stack.engine_api = parse_api(release.engine_api());
  for (v1::Service& message : *release.mutable_services()) {
    const std::string name = message.name();
    try {
      stack.services.push_back(service_from(message));
    } catch (const Error& error) {
      throw error.within(fmt::format("service '{}'", name));
    }
  }
  for (v1::Network& network : *release.mutable_networks()) {
    stack.networks.push_back(resource_from<DesiredNetwork>(network));
  }
  for (v1::Volume& volume : *release.mutable_volumes()) {
    stack.volumes.push_back(resource_from<DesiredVolume>(volume));
  }
  sort_unique(stack.services, &DesiredService::name, "service");
  sort_unique(stack.networks, &DesiredNetwork::name, "network");
  sort_unique(stack.volumes, &DesiredVolume::name, "volume");
  require_dependencies(stack);
  fill_jobs(stack, release);
  if (release.has_window()) stack.window = window_from(*release.mutable_window());
}

DesiredStack stack_from(v1::Release& release) {
  DesiredStack stack;
  stack.release = std::make_shared<const std::string>(release.SerializeAsString());
  stack.name = std::move(*release.mutable_stack());
  if (!is_stack_name(stack.name))
    throw Error(ErrorCode::kInvalid, "stack '{}' has no valid name", stack.name);
  try {
    fill_stack(stack, release);
  } catch (const Error& error) {
    throw error.within(fmt::format("stack '{}'", stack.name));
  }
  return stack;
}

SealedSecrets sealed_from(v1::Manifest& manifest) {
  SealedSecrets secrets;
  for (v1::SealedSecret& secret : *manifest.mutable_secrets()) {
    if (!is_secret_id(secret.id())) throw Error(ErrorCode::kInvalid, "secret '{}' has no id", secret.name());
    secrets[secret.id()] = {std::move(*secret.mutable_name()), std::move(*secret.mutable_sealed())};
  }
  return secrets;
}

RegistryLogin login_from(v1::RegistryLogin& message) {
  if (message.registry().empty()) throw Error(ErrorCode::kInvalid, "a registry login names no registry");
  return {std::move(*message.mutable_registry()), std::move(*message.mutable_username()),
          std::move(*message.mutable_password()), std::move(*message.mutable_identity_token()),
          std::move(*message.mutable_sealed())};
}

}  // namespace

std::string subject_of(std::string_view stack, std::string_view service) {
  return fmt::format("{}/{}", stack, service);
}

std::string DesiredService::container(std::string_view stack, std::uint32_t number) const {
  // Compose refuses a name of one's own for more than one replica; the number keeps even that apart.
  if (!container_name.empty() && number == 1) return container_name;
  return fmt::format("{}-{}-{}", stack, name, number);
}

std::vector<std::string> DesiredService::namespaces() const {
  std::set<std::string> names{network_of, pid_of, ipc_of};
  names.erase("");
  return {names.begin(), names.end()};
}

std::vector<std::string> DesiredService::bases() const {
  std::set<std::string> names{network_of, pid_of, ipc_of};
  for (const VolumesFrom& from : volumes_from) names.insert(from.service);
  names.erase("");
  return {names.begin(), names.end()};
}

const DesiredService* DesiredStack::service(std::string_view wanted) const {
  return find_by(services, &DesiredService::name, wanted);
}

const DesiredNetwork* DesiredStack::network(std::string_view wanted) const {
  return find_by(networks, &DesiredNetwork::name, wanted);
}

const DesiredVolume* DesiredStack::volume(std::string_view wanted) const {
  return find_by(volumes, &DesiredVolume::name, wanted);
}

bool DesiredStack::is_job(std::string_view wanted) const {
  return !wanted.empty() && (wanted == pre || wanted == post);
}

std::vector<const DesiredService*> DesiredStack::in_order() const {
  std::vector<const DesiredService*> ordered;
  std::set<std::string_view> placed;
  std::map<std::string_view, std::vector<std::string>> bases;
  for (const DesiredService& service : services) bases[service.name] = service.bases();
  const auto ready = [&](const DesiredService& service) {
    return std::ranges::all_of(service.depends_on,
                               [&](const Dependency& d) { return placed.contains(d.service); }) &&
           std::ranges::all_of(bases[service.name],
                               [&](const std::string& base) { return placed.contains(base); });
  };
  for (bool grown = true; grown;) {
    grown = false;
    for (const DesiredService& service : services) {
      if (placed.contains(service.name) || !ready(service)) continue;
      placed.insert(service.name);
      ordered.push_back(&service);
      grown = true;
    }
  }
  return ordered;
}

const DesiredStack* Desired::stack(std::string_view name) const {
  return find_by(stacks, &DesiredStack::name, name);
}

Desired desired_from(v1::Manifest manifest) {
  Desired desired;
  desired.node = std::move(*manifest.mutable_node());
  desired.generation = manifest.generation();
  desired.revision = std::move(*manifest.mutable_revision());
  for (v1::Release& release : *manifest.mutable_releases()) desired.stacks.push_back(stack_from(release));
  sort_unique(desired.stacks, &DesiredStack::name, "stack");
  Contents contents;
  for (v1::File& file : *manifest.mutable_files())
    contents.emplace(std::move(*file.mutable_sha256()), std::move(*file.mutable_content()));
  const auto shared = std::make_shared<const Contents>(std::move(contents));
  desired.sealed = std::make_shared<const SealedSecrets>(sealed_from(manifest));
  for (DesiredStack& stack : desired.stacks) stack.contents = shared;
  for (v1::RegistryLogin& login : *manifest.mutable_registry_logins()) {
    desired.registry_logins.push_back(login_from(login));
  }
  sort_unique(desired.registry_logins, &RegistryLogin::registry, "login of registry");
  return desired;
}

DesiredStack good_stack_from(const std::string& release, const std::map<std::string, std::string>& images) {
  v1::Release message;
  if (!message.ParseFromString(release))
    throw Error(ErrorCode::kCorrupt, "the stored release does not parse");
  DesiredStack stack = stack_from(message);
  stack.origin = Origin::kGood;
  stack.window.reset();  // what has run may run at any time
  for (DesiredService& service : stack.services) {
    const auto image = images.find(service.name);
    if (image != images.end()) service.image_id = image->second;
  }
  return stack;
}

}  // namespace hivemind::agent
