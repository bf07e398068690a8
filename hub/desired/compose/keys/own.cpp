#include "hub/desired/compose/keys/own.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/error.h"
#include "hub/desired/compose/keys/family.h"
#include "hub/desired/compose/keys/numbers.h"
#include "hub/desired/compose/scalars/spans.h"
#include "hub/desired/compose/scalars/time_zone.h"
#include "hub/desired/compose/suggest.h"

namespace hivemind::hub::compose {
namespace {

constexpr std::chrono::hours kMaxSoak{24};
constexpr const char* kWithoutWindow = "always";

// Unlike elsewhere, there are no keys of somebody else's: one that is not known is said with all that are.
template <typename T, std::size_t N>
void read_own_fields(yaml::Node map, const Field<T> (&fields)[N], std::string_view elsewhere, T& into,
                     Reader& reader) {
  if (!reader.is_map(map)) return;
  std::vector<std::string_view> known;
  for (const Field<T>& field : fields) known.push_back(field.key);
  std::erase_if(map.members, [&](const yaml::Node::Member& member) {
    const yaml::Node& key = member.first;
    if (std::ranges::find(known, key.scalar) != known.end()) return false;
    const auto meant = closest(key.scalar, known);
    reader.error(key.location, "compose.unknown-key",
                 fmt::format("key '{}.{}' is not known, but '{}'", reader.path(), key.scalar,
                             fmt::join(known, "', '")),
                 meant ? fmt::format("did you mean '{}'?", *meant) : std::string(elsewhere));
    return true;
  });
  read_fields(map, fields, into, reader);
}

std::optional<Milliseconds> read_soak_time(const yaml::Node& node, Reader& reader) {
  const auto soak = read_duration(node, reader);
  if (soak && (*soak < Nanoseconds{} || *soak > kMaxSoak)) {
    reader.invalid(node, "a duration from '0s' to '24h'");
    return std::nullopt;
  }
  return soak ? std::optional(std::chrono::ceil<Milliseconds>(*soak)) : std::nullopt;
}

// --- of a service

void read_pin(const yaml::Node& node, Service& service, Reader& reader) {
  service.image.pin = reader.boolean(node);
}
void read_service_soak(const yaml::Node& node, Service& service, Reader& reader) {
  if (const auto soak = read_soak_time(node, reader)) service.soak = {*soak, node.location};
}
constexpr Field<Service> kServiceFields[] = {{"pin", read_pin}, {"soak", read_service_soak}};

void read_own(const yaml::Node& node, Service& service, Reader& reader) {
  read_own_fields(node, kServiceFields,
                  "'pre', 'post', 'window' and 'timezone' are the stack's: 'x-hivemind' at the top level",
                  service, reader);
}
constexpr Field<Service> kFields[] = {
    {.key = "x-hivemind", .read = read_own, .members = members_of<kServiceFields>}};

void emit(const Service&, const Project&, EngineBody&) {}

// --- of the stack

struct OwnKeys {
  Update update;
  std::optional<Location> timezone;
  std::string zone = "UTC";
};

void read_soak(const yaml::Node& node, OwnKeys& own, Reader& reader) {
  own.update.soak = read_soak_time(node, reader);
}
template <auto Member>
void read_job(const yaml::Node& node, OwnKeys& own, Reader& reader) {
  const auto name = reader.text(node);
  if (!name) return;
  if (name->empty()) return reader.invalid(node, "the name of a service", "give it one, or remove the key");
  own.update.*Member = {*name, node.location};
}

void add_spans(const Text& text, v1::Window& window, Reader& reader) {
  SpansRead read = parse_spans(text.value);
  if (!read.wrong.empty()) {
    return reader.error(text.location, "compose.invalid-value",
                        fmt::format("'{}' is '{}': {}", reader.path(), text.value, read.wrong),
                        "write it as 'Sat,Sun 02:00-04:00; Mon-Fri 22:00-24:00'");
  }
  if (!window.text().empty()) window.mutable_text()->append("; ");
  window.mutable_text()->append(text.value);
  for (v1::Window::Span& span : read.spans) *window.add_spans() = std::move(span);
}

void read_window(const yaml::Node& node, OwnKeys& own, Reader& reader) {
  if (node.is_scalar() && node.scalar == kWithoutWindow) return;
  const std::vector<Text> texts = reader.text_or_texts(node);
  v1::Window& window = own.update.window.emplace();
  for (const Text& text : texts) add_spans(text, window, reader);
  if (node.is_sequence() && node.items.empty())
    reader.error(node.location, "compose.invalid-value", "'" + reader.path() + "' has no spans",
                 "give it one, or remove the key");
  if (window.spans_size() > kMaxSpans) {
    reader.error(node.location, "compose.invalid-value",
                 fmt::format("'{}' has {} spans, at most {} are possible", reader.path(), window.spans_size(),
                             kMaxSpans));
  }
}

void read_timezone(const yaml::Node& node, OwnKeys& own, Reader& reader) {
  own.timezone = node.location;
  own.zone = reader.text(node).value_or("UTC");
}

constexpr Field<OwnKeys> kUpdateFields[] = {{"soak", read_soak},
                                            {"pre", read_job<&Update::pre>},
                                            {"post", read_job<&Update::post>},
                                            {"window", read_window},
                                            {"timezone", read_timezone}};

// Also where there is no window at the moment: a variable may make one.
void resolve_zone(const yaml::Node& map, OwnKeys& own, Reader& reader) {
  if (own.timezone && map.find("window") == nullptr) {
    return reader.error(*own.timezone, "compose.missing-key",
                        fmt::format("'{}.timezone' is there without 'window'", reader.path()),
                        "give a window, or remove it");
  }
  if (!own.update.window && !own.timezone) return;
  try {
    const std::string rule = zone_rule(own.zone);
    if (!own.update.window) return;
    own.update.window->set_timezone(own.zone);
    own.update.window->set_posix_tz(rule);
  } catch (const Error& error) {
    const bool missing = error.code() == ErrorCode::kUnavailable;
    reader.error(own.timezone.value_or(map.location), "compose.time-zone",
                 fmt::format("'{}.timezone': {}", reader.path(), error.what()),
                 missing ? "install the package 'tzdata' on the machine of the hub"
                         : "write a name of the IANA's, such as 'Europe/Berlin' or 'UTC'");
  }
}

}  // namespace

Update read_update(const yaml::Node& node, Reader& reader) {
  OwnKeys own;
  read_own_fields(node, kUpdateFields, "'pin' is a service's: 'x-hivemind' there, or 'pin' in stacks.yml",
                  own, reader);
  if (node.is_map()) resolve_zone(node, own, reader);
  return std::move(own.update);
}

std::vector<KnownKey> update_keys() {
  return members_of<kUpdateFields>();
}

std::set<std::string> job_names(const yaml::Node& document) {
  std::set<std::string> names;
  const yaml::Node* own = document.find("x-hivemind");
  if (own == nullptr || !own->is_map()) return names;
  for (const char* key : {"pre", "post"}) {
    const yaml::Node* name = own->find(key);
    if (name != nullptr && name->is_scalar()) names.insert(name->scalar);
  }
  return names;
}

constinit const Family kOwn{kFields, emit};

}  // namespace hivemind::hub::compose
