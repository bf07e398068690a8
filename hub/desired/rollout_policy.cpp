#include <array>
#include <charconv>

#include <fmt/format.h>

#include "hub/desired/compose/scalars/duration.h"
#include "hub/desired/fleet_reader.h"

namespace hivemind::hub {
namespace {

constexpr std::array<std::string_view, 4> kKeys = {"waves", "soak", "max_failed", "revert"};
constexpr std::int64_t kMaxCount = 1'000'000;
constexpr Wave kEverything{.amount = 100, .percent = true};

// "10" or "10%".
std::optional<Wave> to_wave(std::string_view text) {
  Wave wave;
  if (text.ends_with('%')) {
    wave.percent = true;
    text.remove_suffix(1);
  }
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, wave.amount);
  const int most = wave.percent ? 100 : static_cast<int>(kMaxCount);
  if (failure != std::errc{} || stop != end || wave.amount < 1 || wave.amount > most) return std::nullopt;
  return wave;
}

std::string to_text(const Wave& wave) {
  return fmt::format("{}{}", wave.amount, wave.percent ? "%" : "");
}

// Counts and shares can only be compared with their own kind: how many nodes there are is not known here.
bool is_smaller(const Wave& wave, const std::vector<Wave>& before) {
  for (const Wave& earlier : before) {
    if (earlier.percent == wave.percent && wave.amount < earlier.amount) return true;
  }
  return false;
}

std::vector<Wave> read_waves(const std::string& rollout, const yaml::Node& node, FleetReader& reader) {
  std::vector<Wave> waves;
  if (!reader.is_list(node, "waves")) return waves;
  for (const yaml::Node& item : node.items) {
    const auto wave = item.is_scalar() ? to_wave(item.scalar) : std::nullopt;
    if (!wave) {
      reader.wrong_type(item, "waves", "a number of nodes or a share from '1%' to '100%'");
      return waves;
    }
    if (is_smaller(*wave, waves)) {
      reader.error(
          item.location, "fleet.rollout",
          fmt::format("rollout '{}': wave '{}' is smaller than one before it", rollout, to_text(*wave)),
          "every wave names all nodes that have the release by then");
    }
    waves.push_back(*wave);
  }
  if (waves.empty()) reader.wrong_type(node, "waves", "at least one wave", "write '[100%]' for all at once");
  return waves;
}

bool covers_everything(const std::vector<Wave>& waves) {
  return !waves.empty() && waves.back().percent && waves.back().amount == kEverything.amount;
}

std::chrono::seconds read_soak(const yaml::Node& node, FleetReader& reader) {
  using namespace std::chrono;
  const auto soak = node.is_scalar() ? compose::parse_duration(node.scalar) : std::nullopt;
  if (!soak || *soak < nanoseconds(0)) {
    reader.wrong_type(node, "soak", "a duration", "write it with a unit, such as '90s' or '2m'");
    return seconds(0);
  }
  return ceil<seconds>(*soak);
}

int read_max_failed(const yaml::Node& node, FleetReader& reader) {
  const auto count = node.as_integer();
  if (count && *count >= 0 && *count <= kMaxCount) return static_cast<int>(*count);
  reader.wrong_type(node, "max_failed", "a number of nodes, 0 or more");
  return 0;
}

bool read_revert(const yaml::Node& node, FleetReader& reader) {
  const bool known = node.is_scalar() && (node.scalar == "auto" || node.scalar == "none");
  if (!known) reader.wrong_type(node, "revert", "'auto' or 'none'");
  return known && node.scalar == "auto";
}

}  // namespace

RolloutPolicy read_rollout(const std::string& name, const yaml::Node& node, FleetReader& reader) {
  RolloutPolicy policy{.waves = {kEverything}};
  if (!reader.is_map(node, name)) return policy;
  reader.refuse_unknown_keys(node, kKeys);
  if (const yaml::Node* waves = node.find("waves")) {
    policy.waves = read_waves(name, *waves, reader);
    if (!policy.waves.empty() && !covers_everything(policy.waves)) {
      reader.warning(waves->location, "fleet.rollout",
                     fmt::format("rollout '{}': the last wave '{}' may leave nodes out", name,
                                 to_text(policy.waves.back())),
                     "end with '100%'");
    }
  }
  if (const yaml::Node* soak = node.find("soak")) policy.soak = read_soak(*soak, reader);
  if (const yaml::Node* most = node.find("max_failed")) policy.max_failed = read_max_failed(*most, reader);
  if (const yaml::Node* revert = node.find("revert")) policy.revert = read_revert(*revert, reader);
  return policy;
}

}  // namespace hivemind::hub
