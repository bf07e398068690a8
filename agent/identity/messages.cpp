#include "agent/identity/messages.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/digest.h"
#include "common/error.h"

namespace hivemind::agent {
namespace {

using nlohmann::json;

constexpr std::int64_t kLongestPause = 3'600;

json parse(std::string_view body) {
  json document = json::parse(body, nullptr, false);
  if (!document.is_object()) throw Error(ErrorCode::kCorrupt, "the hub's answer is no JSON object");
  return document;
}

std::string word(const json& document, const char* key) {
  const auto found = document.find(key);
  if (found == document.end() || !found->is_string())
    throw Error(ErrorCode::kCorrupt, "the hub's answer has no text '{}'", key);
  return found->get<std::string>();
}

// What a hub echoes may hold what it was sent.
std::string dump(const json& document) {
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<int> number(std::string_view digits) {
  int value = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (failure != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string to_json(const EnrolmentQuestion& question) {
  json document{{"token", question.credential},
                {"csr", question.csr},
                {"sealing_key", question.seal_key},
                {"facts",
                 {{"arch", question.facts.arch},
                  {"os", question.facts.os},
                  {"kernel", question.facts.kernel},
                  {"hostname", question.facts.hostname},
                  {"agent_version", question.facts.agent_version}}}};
  if (!question.node.empty()) document["node"] = question.node;
  return dump(document);
}

EnrolmentAnswer enrolment_answer(unsigned status, std::string_view body) {
  const json document = parse(body);
  if (status == 202) {
    const auto pause = document.find("retry_after_s");
    const std::int64_t seconds =
        pause != document.end() && pause->is_number_integer() ? pause->get<std::int64_t>() : 5;
    return Waiting{std::clamp<std::int64_t>(seconds, 1, kLongestPause)};
  }
  return Grant{word(document, "node"), word(document, "certificate"), word(document, "ca"),
               word(document, "broker"), word(document, "signing_key")};
}

std::string renewal_question(const std::string& old_certificate, const x509::PrivateKey& old_key,
                             const x509::PrivateKey& new_key, const std::string& node) {
  using namespace std::string_view_literals;
  const std::string csr = x509::Request::make(new_key, node).pem();
  const std::string signature = old_key.sign(std::string("hivemind/v1\0renew\0"sv) + csr);
  return dump({{"certificate", old_certificate}, {"csr", csr}, {"signature", to_base64(signature)}});
}

RenewedCertificate renewal_answer(std::string_view body) {
  const json document = parse(body);
  return {word(document, "certificate"), word(document, "ca")};
}

std::string ca_answer(std::string_view body) {
  return word(parse(body), "ca");
}

std::string refusal_text(unsigned status, std::string_view body) {
  const json document = json::parse(body, nullptr, false);
  const json::json_pointer message("/error/message");
  if (document.is_object() && document.contains(message) && document[message].is_string())
    return document[message].get<std::string>();
  return fmt::format("status {}", status);
}

std::string with_host(const std::string& broker, const std::string& hub_host) {
  constexpr std::string_view kScheme = "mqtts://";
  if (!broker.starts_with(kScheme))
    throw Error(ErrorCode::kCorrupt, "the hub names '{}' as its broker, which is not mqtts://HOST:PORT",
                broker);
  if (broker.size() == kScheme.size() || broker[kScheme.size()] != ':') return broker;
  const bool is_v6 = hub_host.find(':') != std::string::npos;
  return fmt::format("{}{}{}{}{}", kScheme, is_v6 ? "[" : "", hub_host, is_v6 ? "]" : "",
                     broker.substr(kScheme.size()));
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<std::int64_t> parse_http_date(std::string_view text) {
  using namespace std::chrono;
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || !text.ends_with(" GMT")) return std::nullopt;
  const auto month_name = std::ranges::find(kMonths, text.substr(8, 3));
  const auto day_number = number(text.substr(5, 2));
  const auto year_number = number(text.substr(12, 4));
  const auto hour = number(text.substr(17, 2));
  const auto minute = number(text.substr(20, 2));
  const auto second = number(text.substr(23, 2));
  if (month_name == kMonths.end() || !day_number || !year_number || !hour || !minute || !second)
    return std::nullopt;
  const year_month_day date(year(*year_number),
                            month(static_cast<unsigned>(month_name - kMonths.begin()) + 1),
                            day(static_cast<unsigned>(*day_number)));
  if (!date.ok()) return std::nullopt;
  const sys_seconds time = sys_days(date) + hours(*hour) + minutes(*minute) + seconds(*second);
  return time.time_since_epoch().count();
}

}  // namespace hivemind::agent
