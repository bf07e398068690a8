#include <cctype>

#include <fmt/format.h>

#include "hub/desired/compose/keys/development.h"
#include "hub/desired/compose/keys/family.h"
#include "hub/desired/compose/scalars/duration.h"
#include "hub/desired/compose/scalars/image_reference.h"

namespace hivemind::hub::compose {
namespace {

void read_image(const yaml::Node& node, Service& service, Reader& reader) {
  const auto reference = reader.text(node);
  if (!reference) return;
  service.image.present = true;
  service.image.reference = {*reference, node.location};
  if (!is_image_reference(*reference)) {
    reader.refused_by_engine(node, "an image such as 'nginx:1.27'",
                             "names are in lower case; check its variables, too");
  }
}

void read_build(const yaml::Node& node, Service& service, Reader& reader) {
  service.image.build = node.location;
  check_build(node, reader);
  reader.pass_on(node);
}

bool set_pull_policy(std::string_view text, Image& image) {
  constexpr std::string_view kEvery = "every_";
  const auto every = [&](Seconds interval) {
    image.pull_policy = v1::PULL_POLICY_EVERY;
    image.pull_every = interval;
    return interval > Seconds::zero();
  };
  if (text == "daily") return every(std::chrono::days(1));
  if (text == "weekly") return every(std::chrono::weeks(1));
  if (text.starts_with(kEvery)) {
    const auto interval = parse_duration(text.substr(kEvery.size()));
    return interval && every(std::chrono::duration_cast<Seconds>(*interval));
  }
  if (text == "always") {
    image.pull_policy = v1::PULL_POLICY_ALWAYS;
  } else if (text == "never") {
    image.pull_policy = v1::PULL_POLICY_NEVER;
  } else if (text == "missing" || text == "if_not_present") {
    image.pull_policy = v1::PULL_POLICY_MISSING;
  } else {
    return text == "refresh";  // how often is said by 'pull_refresh_after'
  }
  return true;
}

// 'refresh' pulls as often as 'pull_refresh_after' says, and what is missing when that says nothing.
void settle_refresh(Image& image) {
  if (image.written_pull_policy != "refresh" || image.pull_refresh_after == Seconds::zero()) return;
  image.pull_policy = v1::PULL_POLICY_EVERY;
  image.pull_every = image.pull_refresh_after;
}

void read_pull_policy(const yaml::Node& node, Service& service, Reader& reader) {
  constexpr std::string_view kExpected =
      "'always', 'missing', 'never', 'daily', 'weekly' or 'every_' and a duration such as 'every_12h'";
  const auto policy = reader.text(node);
  if (!policy) return;
  if (*policy == "build") {
    service.image.written_pull_policy = *policy;
    return reader.error(node.location, "compose.unsupported-value",
                        "'pull_policy: build' is not supported: nodes build no images", "give 'image:'");
  }
  if (!set_pull_policy(*policy, service.image)) return reader.invalid(node, kExpected);
  service.image.written_pull_policy = *policy;
  settle_refresh(service.image);
}

void read_pull_refresh_after(const yaml::Node& node, Service& service, Reader& reader) {
  const auto text = reader.text(node);
  if (!text) return;
  const auto interval = parse_duration(*text);
  if (!interval || *interval < std::chrono::seconds(1)) {
    return reader.refused_by_engine(node, "a duration such as '24h'");
  }
  service.image.pull_refresh_after = std::chrono::duration_cast<Seconds>(*interval);
  settle_refresh(service.image);
}

void read_container_name(const yaml::Node& node, Service& service, Reader& reader) {
  const auto name = reader.text(node);
  if (!name) return;
  service.image.container_name = {*name, node.location};
  constexpr std::string_view kExpected =
      "at least two of a-z, A-Z, 0-9, '_', '.' and '-', first a letter or digit";
  const auto alnum = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  const auto allowed = [&](char c) { return alnum(c) || c == '_' || c == '.' || c == '-'; };
  const auto begins = [&](char a, char b) { return alnum(a) && allowed(b); };
  // The specification asks for such a name anywhere in the text, the engine for nothing else.
  if (std::ranges::adjacent_find(*name, begins) == name->end()) return reader.invalid(node, kExpected);
  if (!alnum(name->front()) || name->size() > 255 || !std::ranges::all_of(*name, allowed)) {
    reader.refused_by_engine(node, kExpected);
  }
}

constexpr Field<Service> kFields[] = {
    {"image", read_image},
    {.key = "build", .read = read_build, .note = "ignored with a warning; without `image`, refused"},
    {"pull_policy", read_pull_policy},
    {"pull_refresh_after", read_pull_refresh_after},
    {"platform", read_text<&Service::image, &Image::platform>},
    {"container_name", read_container_name},
};

void emit(const Service& service, const Project&, EngineBody& body) {
  body.config["Image"] = service.image.reference.value;
}

void print(const Service& service, const Project&, nlohmann::json& into) {
  const Image& image = service.image;
  put(into, "image", image.reference.value);
  const bool if_not_present = image.written_pull_policy == "if_not_present";
  put(into, "pull_policy", if_not_present ? "missing" : image.written_pull_policy);
  put(into, "platform", image.platform);
  put(into, "container_name", image.container_name.value);
}

}  // namespace

constinit const Family kImage{kFields, emit, print};

}  // namespace hivemind::hub::compose
