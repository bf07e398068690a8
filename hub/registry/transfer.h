#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hivemind::hub::registry {

// Whether an exchange, and where it is redirected to, may go over plain HTTP.
enum class Plain { kRefused, kAllowed };

struct Exchange {
  enum class Method { kGet, kHead, kPost };
  Method method = Method::kGet;
  std::string url;
  std::vector<std::string> headers{};  // "Name: value"
  std::string form{};                  // body of a POST
  std::string username{};              // with password, for Basic; empty: none
  std::string password{};
  std::string bearer{};  // token; empty: none
  Plain plain = Plain::kRefused;
};

struct Answer {
  long status = 0;
  std::vector<std::pair<std::string, std::string>> headers{};  // names in lower case, as they came
  std::string body{};
  std::optional<std::chrono::seconds> retry_after{};

  // The first of that name (lower case), or "".
  std::string_view header(std::string_view name) const;
};

struct TransferLimits {
  std::chrono::milliseconds connect{10'000};
  std::chrono::milliseconds total{30'000};
  std::size_t max_body = 4u << 20;  // what a manifest may have at most (OCI distribution specification)
};

// HTTPS by libcurl, one exchange after the other, on the calling thread. Redirects are followed, but those of
// a POST; credentials do not go along to another host. An answer of any status is a value. Errors:
// kUnavailable when nobody answers in time, kDenied for a certificate that is not trusted, kExhausted for a
// body that is too large.
class Transfer {
 public:
  // cancelled: once it is true, what is under way ends within a second. Must outlive it.
  Transfer(TransferLimits limits, const std::atomic<bool>& cancelled);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  Answer perform(const Exchange& exchange);

  // Percent-encoding of all but unreserved characters.
  static std::string escape(std::string_view text);

 private:
  void prepare(const Exchange& exchange);

  TransferLimits limits_;
  const std::atomic<bool>& cancelled_;
  void* curl_;  // keeps the connection for the next exchange
};

// libcurl's own set-up, which is to be made before there are threads and outlive all transfers.
class TransferLibrary {
 public:
  TransferLibrary();
  ~TransferLibrary();
  TransferLibrary(const TransferLibrary&) = delete;
  TransferLibrary& operator=(const TransferLibrary&) = delete;
};

}  // namespace hivemind::hub::registry
