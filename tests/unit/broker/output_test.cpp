#include "hub/broker/output.h"

#include "tests/support/catch.h"

namespace hivemind::hub {
namespace {

TEST_CASE("the newest error is found in lines that come in pieces") {
  BrokerOutput output;
  const auto now = BrokerOutput::Clock::time_point{};
  output.add("mosquitto version 2 star", now);
  output.add("ting\nError: Address al", now);
  CHECK(output.last_error().empty());
  output.add("ready in use\nsaving\n", now);
  CHECK(output.last_error() == "Error: Address already in use");
}

TEST_CASE("a line without end takes no more memory than its limit") {
  BrokerOutput output;
  output.add("Error" + std::string(1'000'000, 'x') + "\n", {});
  CHECK(output.last_error().size() == BrokerOutput::kMaxLine);
}

TEST_CASE("control characters do not reach the log") {
  BrokerOutput output;
  output.add("Error \x1b[31m\r\n", {});
  CHECK(output.last_error() == "Error [31m");
}

}  // namespace
}  // namespace hivemind::hub
