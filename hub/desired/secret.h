#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <string>

namespace hivemind::hub {

// A value that only nodes may see, and the name that operators know it by. Wiped when it goes.
class Secret {
 public:
  Secret(std::string name, std::string value) : name_(std::move(name)), value_(std::move(value)) {}
  ~Secret() { ::explicit_bzero(value_.data(), value_.size()); }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  const std::string& name() const { return name_; }
  const std::string& value() const { return value_; }

 private:
  std::string name_;
  std::string value_;
};
using SecretPtr = std::shared_ptr<const Secret>;
using SecretValues = std::map<std::string, SecretPtr, std::less<>>;  // by id

}  // namespace hivemind::hub
