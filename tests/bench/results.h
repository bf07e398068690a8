#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace hivemind::bench {

// Milliseconds, as measured one after another.
using Samples = std::vector<double>;

double percentile(Samples samples, double fraction);
double median(const Samples& samples);

// What we aim at: the value at most `factor` times the baseline plus `plus_ms`. Without a baseline, at most
// plus_ms.
struct Aim {
  double factor = 0;
  double plus_ms = 0;
};

struct Row {
  std::string name;
  Samples samples;
  std::string baseline_name;  // empty: none
  Samples baseline;
  std::optional<Aim> aim;
};

// Collects rows; writes them as one JSON file and as a table.
class Results {
 public:
  void add(Row row);
  void write_json(const std::string& file) const;
  void print() const;

 private:
  nlohmann::json json() const;
  std::vector<Row> rows_;
};

}  // namespace hivemind::bench
