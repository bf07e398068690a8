#include "hub/api/message.h"

#include <charconv>
#include <optional>

#include <nlohmann/json.hpp>

namespace hivemind::hub::api {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) throw Error(ErrorCode::kInvalid, "broken percent-encoding in '{}'", text);
    decoded.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return decoded;
}

// Calls on_part for each part between separators that is not empty.
template <typename OnPart>
void split(std::string_view text, char separator, OnPart on_part) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end > 0) on_part(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

unsigned status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return 400;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kConflict:
      return 409;
    case ErrorCode::kDenied:
      return 403;
    case ErrorCode::kUnavailable:
    case ErrorCode::kExhausted:
      return 503;
    case ErrorCode::kCorrupt:
    case ErrorCode::kInternal:
      return 500;
  }
  return 500;
}

}  // namespace

Request Request::parse(std::string_view method, std::string_view target, std::string body) {
  if (!target.starts_with('/')) throw Error(ErrorCode::kInvalid, "'{}' is no path (expected '/…')", target);
  Request request;
  request.method = method;
  request.body = std::move(body);
  const std::size_t mark = target.find('?');
  split(target.substr(0, mark), '/', [&](std::string_view part) { request.path.push_back(decode(part)); });
  if (mark == std::string_view::npos) return request;
  split(target.substr(mark + 1), '&', [&](std::string_view part) {
    const std::size_t equals = std::min(part.find('='), part.size());
    request.query[decode(part.substr(0, equals))] = decode(part.substr(std::min(equals + 1, part.size())));
  });
  return request;
}

std::string_view Request::parameter(std::string_view name) const {
  const auto found = query.find(name);
  return found == query.end() ? std::string_view() : std::string_view(found->second);
}

const std::string& Request::variable(std::string_view name) const {
  const auto found = variables.find(name);
  if (found == variables.end()) throw Error(ErrorCode::kInternal, "no variable '{}' in the path", name);
  return found->second;
}

std::int64_t Request::number(std::string_view name, std::int64_t otherwise, std::int64_t least,
                             std::int64_t most) const {
  const std::string_view text = parameter(name);
  if (text.empty()) return otherwise;
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size() || value < least || value > most) {
    throw Error(ErrorCode::kInvalid, "parameter '{}' is '{}' (expected a whole number from {} to {})", name,
                text, least, most);
  }
  return value;
}

nlohmann::json body_object(std::string_view body) {
  using nlohmann::json;
  constexpr int kMostLevels = 16;
  if (body.empty()) return json::object();
  const auto shallow = [](int depth, json::parse_event_t, json&) {
    if (depth > kMostLevels)
      throw Error(ErrorCode::kInvalid, "the body has more than {} levels of objects and lists", +kMostLevels);
    return true;
  };
  json parsed = json::parse(body, shallow, false);
  if (!parsed.is_object()) throw Error(ErrorCode::kInvalid, "the body is no JSON object");
  return parsed;
}

Response error_response(unsigned status, std::string_view code, std::string_view message) {
  const nlohmann::json body = {{"error", {{"code", code}, {"message", message}}}};
  return {status,
          "application/json",
          body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n",
          {},
          {}};
}

Response error_response(const Error& error) {
  return error_response(status_of(error.code()), to_string(error.code()), error.what());
}

}  // namespace hivemind::hub::api
