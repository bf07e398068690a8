#include <cctype>

#include <fmt/format.h>

#include "hub/desired/compose/keys/family.h"
#include "hub/desired/compose/scalars/image_reference.h"

namespace hivemind::hub::compose {
namespace {

void read_image(const yaml::Node& node, Service& service, Reader& reader) {
  const auto reference = reader.text(node);
  if (!reference) return;
  service.image.present = true;
  service.image.reference = {*reference, node.location};
  if (!is_image_reference(*reference)) {
    reader.invalid(node, "an image such as 'nginx:1.27'",
                   "names are in lower case; check its variables, too");
  }
}

void read_build(const yaml::Node& node, Service& service, Reader&) {
  service.image.build = node.location;
}

void read_pull_policy(const yaml::Node& node, Service& service, Reader& reader) {
  const auto policy = reader.text(node);
  if (!policy) return;
  if (*policy == "always") {
    service.image.pull_policy = v1::PULL_POLICY_ALWAYS;
  } else if (*policy == "missing" || *policy == "if_not_present") {
    service.image.pull_policy = v1::PULL_POLICY_MISSING;
  } else if (*policy == "never") {
    service.image.pull_policy = v1::PULL_POLICY_NEVER;
  } else if (*policy == "build") {
    reader.invalid(node, "'always', 'missing' or 'never'", "nodes build no images: give 'image:'");
  } else {
    reader.invalid(node, "'always', 'missing' or 'never'");
  }
}

void read_container_name(const yaml::Node& node, Service& service, Reader& reader) {
  const auto name = reader.text(node);
  if (!name) return;
  service.image.container_name = {*name, node.location};
  const auto alnum = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  const bool valid =
      name->size() >= 2 && name->size() <= 255 && alnum(name->front()) &&
      std::ranges::all_of(*name, [&](char c) { return alnum(c) || c == '_' || c == '.' || c == '-'; });
  if (!valid)
    reader.invalid(node, "at least two of a-z, A-Z, 0-9, '_', '.' and '-', first a letter or digit");
}

void read_pin(const yaml::Node& node, Image& image, Reader& reader) {
  image.pin = reader.boolean(node);
}

constexpr Field<Image> kOwnFields[] = {{"pin", read_pin}};

// What HiveMind alone knows of a service.
void read_own(const yaml::Node& node, Service& service, Reader& reader) {
  read_fields(node, kOwnFields, service.image, reader);
}

constexpr Field<Service> kFields[] = {
    {"image", read_image},
    {"build", read_build},
    {"pull_policy", read_pull_policy},
    {"platform", read_text<&Service::image, &Image::platform>},
    {"container_name", read_container_name},
    {"x-hivemind", read_own},
};

void emit(const Service& service, const Project&, EngineBody& body) {
  body.config["Image"] = service.image.reference.value;
}

}  // namespace

constinit const Family kImage{kFields, emit};

}  // namespace hivemind::hub::compose
