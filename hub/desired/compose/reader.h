#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/desired/diagnostic.h"
#include "hub/desired/yaml/node.h"

namespace hivemind::hub::compose {

// A value and where it stands, for diagnostics that can only be made once all is read.
template <typename T>
struct Located {
  T value{};
  Location location;
};
using Text = Located<std::string>;

// A map, or a list of "KEY=VALUE"; nothing as value: the key alone.
using Pairs = std::map<std::string, Located<std::optional<std::string>>>;

// What may stand where a text is read. A number or a boolean is taken as the reference prints it: 010 is "8".
enum class Allowed { kText, kNumbers, kNumbersAndBooleans };

// Members that are read into nothing: the keys that lead to each, from the service's, and its value.
using PassedOn = std::vector<std::pair<std::vector<std::string>, yaml::Node>>;

// Turns nodes into values and says what is wrong with them. It knows the stack, the service and the keys on
// the way to what is being read, so that a message can name them.
class Reader {
 public:
  // stack and diagnostics must outlive it.
  Reader(const std::string& stack, Diagnostics& diagnostics) : stack_(stack), diagnostics_(diagnostics) {}
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  void error(const Location& at, std::string_view code, std::string message, std::string remedy = {});
  void warning(const Location& at, std::string_view code, std::string message, std::string remedy = {});
  int errors() const { return errors_; }  // so far
  Diagnostics& diagnostics() { return diagnostics_; }

  // While it lives, what is read belongs to that service, or stands below that key.
  class Scope {
   public:
    Scope(Reader& reader, std::string service, std::vector<std::string> path)
        : reader_(reader), service_(std::move(reader.service_)), path_(std::move(reader.path_)) {
      reader_.service_ = std::move(service);
      reader_.path_ = std::move(path);
    }
    ~Scope() {
      reader_.service_ = std::move(service_);
      reader_.path_ = std::move(path_);
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Reader& reader_;
    std::string service_;  // what it was before
    std::vector<std::string> path_;
  };
  [[nodiscard]] Scope in_service(const std::string& service);
  [[nodiscard]] Scope in_key(const std::string& key);
  std::string path() const;  // "healthcheck.interval"

  // Nothing, and a diagnostic "compose.wrong-type", for a node that is no such thing.
  std::optional<std::string> text(const yaml::Node& node, Allowed allowed = Allowed::kText);
  std::optional<bool> boolean(const yaml::Node& node);
  std::optional<std::int64_t> integer(const yaml::Node& node);
  std::optional<double> number(const yaml::Node& node);
  std::vector<Text> texts(const yaml::Node& node, Allowed allowed = Allowed::kText);  // a list
  std::vector<Text> text_or_texts(const yaml::Node& node);                            // or a single one
  Pairs pairs(const yaml::Node& node, Allowed values = Allowed::kNumbersAndBooleans);
  bool is_map(const yaml::Node& node);
  bool is_sequence(const yaml::Node& node);
  // A text that is one of these.
  std::optional<std::string> choice(const yaml::Node& node, std::initializer_list<std::string_view> allowed);

  void wrong_type(const yaml::Node& node, std::string_view expected);
  // "'restart' is 'sometimes'; expected 'always' …"
  void invalid(const yaml::Node& node, std::string_view expected, std::string remedy = {});
  // What 'docker compose config' would take and the engine would not.
  void refused_by_engine(const yaml::Node& node, std::string_view expected, std::string remedy = {});
  void unknown_key(const yaml::Node& key, std::span<const std::string_view> known);
  void unsupported_key(const yaml::Node& key, std::string remedy = {});
  void ignored_key(const yaml::Node& key, std::string_view why);

  // Keeps a member that is read into nothing, for the normalised model. Nothing is kept before the first call
  // of keep_passed_on(), which returns what was kept since the call before it.
  void pass_on(const yaml::Node& key, const yaml::Node& value);
  void pass_on(const yaml::Node& value);  // of the key that the reader stands in
  PassedOn keep_passed_on();

 private:
  void add(Severity severity, const Location& at, std::string_view code, std::string message,
           std::string remedy);
  std::string below(const yaml::Node& key) const;

  const std::string& stack_;
  Diagnostics& diagnostics_;
  std::string service_;
  std::vector<std::string> path_;
  int errors_ = 0;
  std::optional<PassedOn> passed_on_;
};

// Texts alone.
std::vector<std::string> values(const std::vector<Text>& texts);

}  // namespace hivemind::hub::compose
