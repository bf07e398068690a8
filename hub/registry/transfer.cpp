#include "hub/registry/transfer.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <memory>

#include <curl/curl.h>

#include "common/error.h"
#include "common/text.h"
#include "common/version.h"

namespace hivemind::hub::registry {
namespace {

constexpr long kMaxRedirects = 5;
constexpr std::size_t kMaxHeaders = 64u << 10;
constexpr std::chrono::hours kLongestRetryAfter{1};

struct ListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, ListFree>;

template <typename Value>
void set(CURL* curl, CURLoption option, Value value) {
  if (const CURLcode code = curl_easy_setopt(curl, option, value); code != CURLE_OK) {
    throw Error(ErrorCode::kInternal, "curl option {}: {}", static_cast<int>(option),
                curl_easy_strerror(code));
  }
}

// What the callbacks write into. They must not throw through curl; running out of memory ends the program.
struct Receiver {
  Answer answer;
  std::size_t max_body = 0;
  std::size_t header_bytes = 0;
  bool too_large = false;
};

std::size_t take_body(char* bytes, std::size_t, std::size_t size, void* user) noexcept {
  auto& receiver = *static_cast<Receiver*>(user);
  receiver.too_large = receiver.answer.body.size() + size > receiver.max_body;
  if (receiver.too_large) return 0;
  receiver.answer.body.append(bytes, size);
  return size;
}

// One line of a head; those of redirections come as well, and are forgotten when the next head begins.
std::size_t take_header(char* bytes, std::size_t, std::size_t size, void* user) noexcept {
  auto& receiver = *static_cast<Receiver*>(user);
  receiver.header_bytes += size;
  receiver.too_large = receiver.header_bytes > kMaxHeaders;
  if (receiver.too_large) return 0;
  const std::string_view line(bytes, size);
  if (line.starts_with("HTTP/")) {
    receiver.answer.headers.clear();
    receiver.answer.body.clear();
  } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
    std::string name(line.substr(0, colon));
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    receiver.answer.headers.emplace_back(std::move(name), trimmed(line.substr(colon + 1)));
  }
  return size;
}

int look_around(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
  return static_cast<const std::atomic<bool>*>(user)->load() ? 1 : 0;
}

ErrorCode code_of(CURLcode code) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return ErrorCode::kDenied;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return ErrorCode::kInvalid;
    default:
      return ErrorCode::kUnavailable;
  }
}

}  // namespace

std::string_view Answer::header(std::string_view name) const {
  const auto found = std::ranges::find(headers, name, &std::pair<std::string, std::string>::first);
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

Transfer::Transfer(TransferLimits limits, const std::atomic<bool>& cancelled)
    : limits_(limits), cancelled_(cancelled), curl_(curl_easy_init()) {
  if (curl_ == nullptr) throw Error(ErrorCode::kExhausted, "curl cannot be set up");
}

Transfer::~Transfer() {
  curl_easy_cleanup(curl_);
}

// Options of the exchange before are gone, its connection is kept.
void Transfer::prepare(const Exchange& exchange) {
  const char* const schemes = exchange.plain == Plain::kAllowed ? "http,https" : "https";
  curl_easy_reset(curl_);
  set(curl_, CURLOPT_URL, exchange.url.c_str());
  set(curl_, CURLOPT_PROTOCOLS_STR, schemes);
  set(curl_, CURLOPT_REDIR_PROTOCOLS_STR, schemes);
  // What a form says is for one host alone; of all else curl keeps the secrets back.
  set(curl_, CURLOPT_FOLLOWLOCATION, exchange.method == Exchange::Method::kPost ? 0L : 1L);
  set(curl_, CURLOPT_MAXREDIRS, kMaxRedirects);
  set(curl_, CURLOPT_NOSIGNAL, 1L);  // there are other threads
  set(curl_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits_.connect.count()));
  set(curl_, CURLOPT_TIMEOUT_MS, static_cast<long>(limits_.total.count()));
  set(curl_, CURLOPT_USERAGENT, ("hivemind-hub/" + version()).c_str());
  set(curl_, CURLOPT_NOPROGRESS, 0L);
  set(curl_, CURLOPT_XFERINFOFUNCTION, &look_around);
  set(curl_, CURLOPT_XFERINFODATA, const_cast<std::atomic<bool>*>(&cancelled_));
  if (exchange.method == Exchange::Method::kHead) set(curl_, CURLOPT_NOBODY, 1L);
  if (exchange.method == Exchange::Method::kPost) set(curl_, CURLOPT_COPYPOSTFIELDS, exchange.form.c_str());
  if (!exchange.bearer.empty()) {
    set(curl_, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    set(curl_, CURLOPT_XOAUTH2_BEARER, exchange.bearer.c_str());
  } else if (!exchange.username.empty()) {
    set(curl_, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    set(curl_, CURLOPT_USERNAME, exchange.username.c_str());
    set(curl_, CURLOPT_PASSWORD, exchange.password.c_str());
  }
}

Answer Transfer::perform(const Exchange& exchange) {
  prepare(exchange);
  Receiver receiver;
  receiver.max_body = limits_.max_body;
  set(curl_, CURLOPT_WRITEFUNCTION, &take_body);
  set(curl_, CURLOPT_WRITEDATA, &receiver);
  set(curl_, CURLOPT_HEADERFUNCTION, &take_header);
  set(curl_, CURLOPT_HEADERDATA, &receiver);
  List headers;
  for (const std::string& header : exchange.headers) {
    curl_slist* const longer = curl_slist_append(headers.get(), header.c_str());
    if (longer == nullptr) throw Error(ErrorCode::kExhausted, "no memory for a request");
    headers.release();  // it is part of the longer one
    headers.reset(longer);
  }
  set(curl_, CURLOPT_HTTPHEADER, headers.get());
  std::array<char, CURL_ERROR_SIZE> why{};
  set(curl_, CURLOPT_ERRORBUFFER, why.data());
  const CURLcode code = curl_easy_perform(curl_);
  curl_easy_setopt(curl_, CURLOPT_ERRORBUFFER, nullptr);
  if (receiver.too_large)
    throw Error(ErrorCode::kExhausted, "the answer has more than {} bytes", limits_.max_body);
  if (code == CURLE_ABORTED_BY_CALLBACK) throw Error(ErrorCode::kUnavailable, "interrupted");
  if (code != CURLE_OK) {
    throw Error(code_of(code), "{}", why[0] != '\0' ? why.data() : curl_easy_strerror(code));
  }
  curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &receiver.answer.status);
  curl_off_t wait = 0;
  curl_easy_getinfo(curl_, CURLINFO_RETRY_AFTER, &wait);
  if (wait > 0)
    receiver.answer.retry_after =
        std::min<std::chrono::seconds>(std::chrono::seconds(wait), kLongestRetryAfter);
  return std::move(receiver.answer);
}

std::string Transfer::escape(std::string_view text) {
  char* const escaped = curl_easy_escape(nullptr, text.data(), static_cast<int>(text.size()));
  if (escaped == nullptr) throw Error(ErrorCode::kExhausted, "no memory for a URL");
  std::string result(escaped);
  curl_free(escaped);
  return result;
}

TransferLibrary::TransferLibrary() {
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    throw Error(ErrorCode::kInternal, "curl cannot be set up");
}

TransferLibrary::~TransferLibrary() {
  curl_global_cleanup();
}

}  // namespace hivemind::hub::registry
