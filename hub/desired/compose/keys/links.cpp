#include "hub/desired/compose/keys/links.h"

#include <algorithm>

#include <fmt/format.h>

#include "hub/desired/compose/keys/family.h"

namespace hivemind::hub::compose {
namespace {

// "name[:alias]"
template <auto Member>
void read_links(const yaml::Node& node, Service& service, Reader& reader) {
  if (!reader.is_sequence(node)) return;
  for (const yaml::Node& item : node.items) {
    const auto text = reader.text(item);
    if (!text) continue;
    const std::size_t colon = text->find(':');
    Link link{text->substr(0, colon), {}, {*text, item.location}};
    link.alias = colon == std::string::npos ? link.name : text->substr(colon + 1);
    std::vector<Link>& all = service.networks.*Member;
    if (link.name.empty() || link.alias.empty() || link.alias.find(':') != std::string::npos) {
      reader.invalid(item, "a name, or a name and an alias: 'name:alias'");
    } else if (std::ranges::none_of(all, [&](const Link& one) { return one.written.value == *text; })) {
      all.push_back(std::move(link));
    }
  }
}

constexpr Field<Service> kFields[] = {{"links", read_links<&NetworkUses::links>},
                                      {"external_links", read_links<&NetworkUses::external_links>}};

bool is_on(const Service& service, const std::string& network) {
  return network.empty() || std::ranges::any_of(service.networks.networks, [&](const NetworkUse& use) {
           return use.network.value == network;
         });
}

// What the service's containers are called: by 'container_name', or as the agent calls them.
Words container_names(const Service& service, const Project& project) {
  if (!service.image.container_name.value.empty()) return {service.image.container_name.value};
  Words names;
  for (std::uint32_t i = 1; i <= service.replicas.count(); ++i) {
    names.push_back(fmt::format("{}-{}-{}", project.name, service.name, i));
  }
  return names;
}

// Links exist where there are no networks to have them.
void emit(const Service& service, const Project& project, EngineBody& body) {
  const std::string& mode = service.networks.mode.value;
  if (mode == "bridge" || mode == "default") put(body.host, "Links", link_texts(service, project, ""));
}

void print(const Service& service, const Project&, nlohmann::json& into) {
  for (const Link& link : service.networks.links) into["links"].push_back(link.written.value);
  for (const Link& link : service.networks.external_links)
    into["external_links"].push_back(link.written.value);
}

}  // namespace

Words link_texts(const Service& service, const Project& project, const std::string& network) {
  Words all;
  const auto add = [&](const std::string& container, const std::string& alias) {
    std::string text = container + ":" + alias;
    if (std::ranges::find(all, text) == all.end()) all.push_back(std::move(text));
  };
  for (const Link& link : service.networks.links) {
    const Service& target = project.services.at(link.name);
    if (!is_on(target, network)) continue;
    int number = 0;
    for (const std::string& container : container_names(target, project)) {
      ++number;
      add(container, link.alias);
      add(container, fmt::format("{}-{}", link.name, number));
      add(container, fmt::format("{}-{}-{}", project.name, link.name, number));
    }
  }
  for (const Link& link : service.networks.external_links) add(link.name, link.alias);
  return all;
}

constinit const Family kLinks{kFields, emit, print};

}  // namespace hivemind::hub::compose
