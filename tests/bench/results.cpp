#include "tests/bench/results.h"

#include <algorithm>
#include <cmath>
#include <thread>
#include <utility>

#include <fmt/core.h>
#include <sys/utsname.h>

#include "common/file.h"
#include "common/version.h"

namespace hivemind::bench {
namespace {

double bound(const Row& row) {
  return row.aim->factor * (row.baseline.empty() ? 0 : median(row.baseline)) + row.aim->plus_ms;
}

std::string aim_text(const Row& row) {
  if (!row.aim) return "";
  std::string text = row.aim->factor > 0 ? fmt::format("<= {:.2f}x", row.aim->factor) : "<=";
  if (row.aim->plus_ms > 0)
    text += fmt::format("{}{:.0f} ms", row.aim->factor > 0 ? " + " : " ", row.aim->plus_ms);
  return text + (median(row.samples) <= bound(row) ? "  met" : "  MISSED");
}

std::string ratio_text(const Row& row) {
  if (row.baseline.empty()) return "";
  return fmt::format("{:.2f}x", median(row.samples) / median(row.baseline));
}

}  // namespace

double percentile(Samples samples, double fraction) {
  std::sort(samples.begin(), samples.end());
  const auto rank = static_cast<std::size_t>(std::ceil(fraction * static_cast<double>(samples.size())));
  return samples.at(std::max<std::size_t>(rank, 1) - 1);
}

double median(const Samples& samples) {
  return percentile(samples, 0.5);
}

void Results::add(Row row) {
  fmt::print(stderr, "  {}: {:.1f} ms {}\n", row.name, median(row.samples), ratio_text(row));
  rows_.push_back(std::move(row));
}

nlohmann::json Results::json() const {
  utsname system{};
  uname(&system);
  nlohmann::json rows = nlohmann::json::array();
  for (const Row& row : rows_) {
    nlohmann::json one = {{"name", row.name},
                          {"p50_ms", median(row.samples)},
                          {"p95_ms", percentile(row.samples, 0.95)},
                          {"samples_ms", row.samples}};
    if (!row.baseline.empty()) {
      one["baseline"] = {{"name", row.baseline_name},
                         {"p50_ms", median(row.baseline)},
                         {"p95_ms", percentile(row.baseline, 0.95)},
                         {"samples_ms", row.baseline}};
      one["ratio"] = median(row.samples) / median(row.baseline);
    }
    if (row.aim) one["aim"] = {{"at_most_ms", bound(row)}, {"met", median(row.samples) <= bound(row)}};
    rows.push_back(std::move(one));
  }
  return {{"version", hivemind::version()},
          {"machine",
           {{"kernel", system.release},
            {"architecture", system.machine},
            {"cores", std::thread::hardware_concurrency()}}},
          {"rows", rows}};
}

void Results::write_json(const std::string& file) const {
  write_file_durably(file, json().dump(2) + "\n", 0644);
}

void Results::print() const {
  fmt::print("{:<44} {:>9} {:>9}  {:<28} {:>9} {:>7}  {}\n", "what", "p50 ms", "p95 ms", "baseline", "p50 ms",
             "ratio", "aim");
  for (const Row& row : rows_) {
    const std::string baseline = row.baseline.empty() ? "" : fmt::format("{:.1f}", median(row.baseline));
    fmt::print("{:<44} {:>9.1f} {:>9.1f}  {:<28} {:>9} {:>7}  {}\n", row.name, median(row.samples),
               percentile(row.samples, 0.95), row.baseline_name, baseline, ratio_text(row), aim_text(row));
  }
}

}  // namespace hivemind::bench
