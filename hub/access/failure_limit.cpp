#include "hub/access/failure_limit.h"

#include <algorithm>

#include <boost/asio/ip/address.hpp>

namespace hivemind::hub {
namespace {

std::string key_of(std::string_view address) {
  boost::system::error_code failure;
  const auto parsed = boost::asio::ip::make_address(std::string(address), failure);
  if (failure || parsed.is_v4()) return std::string(address);
  const auto v6 = parsed.to_v6();
  if (v6.is_v4_mapped()) {
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, v6).to_string();
  }
  auto bytes = v6.to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return boost::asio::ip::address_v6(bytes).to_string();
}

}  // namespace

FailureLimit::Entry& FailureLimit::entry_of(const std::string& key, Clock::time_point now) {
  const auto [found, fresh] = entries_.try_emplace(key);
  Entry& entry = found->second;
  if (fresh) {
    entry.counted = now;
    entry.place = order_.insert(order_.end(), key);
  } else {
    order_.splice(order_.end(), order_, entry.place);
  }
  if (entries_.size() > kMostAddresses) {
    entries_.erase(order_.front());
    order_.pop_front();
  }
  return entry;
}

std::optional<std::chrono::seconds> FailureLimit::failed(std::string_view address, Clock::time_point now) {
  Entry& entry = entry_of(key_of(address), now);
  const std::chrono::duration<double> passed = now - entry.counted;
  entry.left = std::min<double>(kBurst, entry.left + passed / std::chrono::duration<double>(kRefill));
  entry.counted = now;
  if (entry.left >= kBurst) entry.wait = std::chrono::seconds(0);
  const bool is_early = now < entry.waits_until;
  if (!is_early && entry.left >= 1) {
    entry.left -= 1;
    return std::nullopt;
  }
  entry.wait = std::clamp(is_early ? entry.wait * 2 : kRefill, kRefill, kLongest);
  entry.waits_until = now + entry.wait;
  entry.left = 0;
  return entry.wait;
}

}  // namespace hivemind::hub
