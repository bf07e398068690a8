#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace hivemind::tests {

struct RecordRequest {
  std::string method;
  std::vector<std::string> path;  // {"containers", "<id>", "start"}, without the version
  std::map<std::string, std::string> query;
  nlohmann::json body;
};

struct RecordAnswer {
  int status = 200;
  nlohmann::json body;  // null: no content
};

// The records behind HttpEngine: what each request does to them and answers. No I/O.
class EngineRecords {
 public:
  RecordAnswer answer(const RecordRequest& request);
  // What has happened since the last call, for the event streams.
  std::vector<nlohmann::json> take_events() { return std::exchange(events_, {}); }

  std::string api_version = "1.47";
  nlohmann::json all = {{"containers", nlohmann::json::object()},
                        {"networks", nlohmann::json::object()},
                        {"volumes", nlohmann::json::object()},
                        {"next", 1}};

 private:
  RecordAnswer containers(const RecordRequest& request);
  RecordAnswer change(const RecordRequest& request, nlohmann::json& container);
  RecordAnswer create_container(const RecordRequest& request);
  RecordAnswer networks(const RecordRequest& request);
  RecordAnswer volumes(const RecordRequest& request);
  RecordAnswer images(const RecordRequest& request) const;
  void start(nlohmann::json& container);
  void tell(const std::string& action, const nlohmann::json& container);
  nlohmann::json* container(const std::string& id_or_name);
  std::string new_id();

  std::vector<nlohmann::json> events_;
};

}  // namespace hivemind::tests
