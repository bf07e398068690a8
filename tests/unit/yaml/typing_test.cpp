#include <cmath>

#include "tests/unit/yaml/parsing.h"

namespace hivemind::hub::yaml {
namespace {

Node value(const std::string& text) {
  return *parsed("v: " + text).find("v");
}

}  // namespace

TEST_CASE("plain scalars are typed as the reference's parser does") {
  const std::pair<std::string, Type> cases[] = {
      {"null", Type::kNull},     {"Null", Type::kNull},
      {"NULL", Type::kNull},     {"~", Type::kNull},
      {"true", Type::kBool},     {"True", Type::kBool},
      {"FALSE", Type::kBool},    {"tRue", Type::kString},
      {"yes", Type::kString},    {"on", Type::kString},
      {"no", Type::kString},     {"off", Type::kString},
      {"0", Type::kInteger},     {"-7", Type::kInteger},
      {"+7", Type::kInteger},    {"010", Type::kInteger},
      {"0o17", Type::kInteger},  {"0o8", Type::kString},
      {"0xfF", Type::kInteger},  {"0xg", Type::kString},
      {"-0x1", Type::kInteger},  {"1_000", Type::kInteger},
      {"1.5", Type::kFloat},     {".5", Type::kFloat},
      {"5.", Type::kFloat},      {"1e3", Type::kFloat},
      {"1.2E-3", Type::kFloat},  {"1e", Type::kString},
      {".", Type::kString},      {"e3", Type::kString},
      {"-.inf", Type::kFloat},   {".NaN", Type::kFloat},
      {"1.2.3", Type::kString},  {"2222:22", Type::kString},
      {"1:30", Type::kString},   {"2026-01-31", Type::kString},
      {"0b1", Type::kInteger},   {"08", Type::kFloat},
      {"0b2", Type::kString},    {"!mine 8", Type::kString},
      {"'8'", Type::kString},    {"\"true\"", Type::kString},
      {"'null'", Type::kString}, {"12345678901234567890", Type::kInteger},
  };
  for (const auto& [text, type] : cases) {
    INFO(text);
    CHECK(static_cast<int>(value(text).type()) == static_cast<int>(type));
  }
}

TEST_CASE("numbers are read with their base and sign") {
  CHECK(value("-7").as_integer() == -7);
  CHECK(value("+7").as_integer() == 7);
  CHECK(value("0x1F").as_integer() == 31);
  CHECK(value("0o17").as_integer() == 15);
  CHECK(value("010").as_integer() == 8);
  CHECK(value("-0b11").as_integer() == -3);
  CHECK(value("1_000").as_integer() == 1000);
  CHECK(value("1.5").as_float() == 1.5);
  CHECK(value("8").as_float() == 8.0);
  CHECK(value("+.5e1").as_float() == 5.0);
  CHECK(value("-.inf").as_float() == -INFINITY);
}

TEST_CASE("what does not fit a number type is no number") {
  CHECK_FALSE(value("12345678901234567890").as_integer().has_value());
  CHECK_FALSE(value("1.0").as_integer().has_value());
  CHECK_FALSE(value("'8'").as_integer().has_value());
  CHECK_FALSE(value("x").as_float().has_value());
  CHECK_FALSE(value("[8]").as_integer().has_value());
}

TEST_CASE("only true and false are booleans") {
  CHECK(value("true").as_bool() == true);
  CHECK(value("False").as_bool() == false);
  CHECK_FALSE(value("yes").as_bool().has_value());
  CHECK_FALSE(value("'true'").as_bool().has_value());
  CHECK_FALSE(value("1").as_bool().has_value());
}

TEST_CASE("a substituted scalar is a string that reads as other types, too") {
  Node node = value("null");
  node.kind = Kind::kScalar;
  node.plain = true;
  node.substituted = true;
  node.scalar = "null";
  CHECK_FALSE(node.is_null());
  CHECK(node.is_scalar());
  node.scalar = "true";
  CHECK(static_cast<int>(node.type()) == static_cast<int>(Type::kString));
  CHECK(node.as_bool() == true);
  node.scalar = "7";
  CHECK(node.as_integer() == 7);
  node.scalar = "010";
  CHECK(node.as_integer() == 10);
  CHECK(node.printed() == "010");
}

// What docker compose 2.40 prints for these in 'environment'.
TEST_CASE("a scalar is printed as the reference prints it") {
  const std::pair<std::string, std::string> cases[] = {
      {"010", "8"},
      {"-010", "-8"},
      {"00", "0"},
      {"08", "8"},
      {"0_8", "8"},
      {"0x1F", "31"},
      {"0X1F", "31"},
      {"-0x10", "-16"},
      {"0x_1", "1"},
      {"0x", "0x"},
      {"0x8000000000000000", "9223372036854775808"},
      {"0xFFFFFFFFFFFFFFFFFF", "0xFFFFFFFFFFFFFFFFFF"},
      {"0o17", "15"},
      {"-0o7", "-7"},
      {"0o+7", "7"},
      {"0o-1", "-1"},
      {"0b11", "3"},
      {"0b-11", "-3"},
      {"0b2", "0b2"},
      {"0b", "0b"},
      {"-0b0x1", "-0b0x1"},
      {"+5", "5"},
      {"+_1", "1"},
      {"++1", "++1"},
      {"+-1", "+-1"},
      {"_1", "_1"},
      {"1_000", "1000"},
      {"1__0", "10"},
      {"1_", "1"},
      {"1_0.5", "10.5"},
      {"123_456.7_8", "123456.78"},
      {"1.10", "1.1"},
      {"1.0", "1"},
      {".5", "0.5"},
      {"+.5", "0.5"},
      {".1_0", "0.1"},
      {"._5", "._5"},
      {"5.", "5"},
      {"-0", "0"},
      {"-0.0", "-0"},
      {"1e3", "1000"},
      {"3.0e2", "300"},
      {"12e03", "12000"},
      {"1_e3", "1000"},
      {"100000.0", "100000"},
      {"1000000.0", "1e+06"},
      {"1234567.5", "1.2345675e+06"},
      {"0.0001", "0.0001"},
      {"0.00001", "1e-05"},
      {"-.5e-10", "-5e-11"},
      {"1e21", "1e+21"},
      {"1e400", "1e400"},
      {"1e-400", "0"},
      {"5e-324", "5e-324"},
      {"18446744073709551615", "18446744073709551615"},
      {"18446744073709551616", "1.8446744073709552e+19"},
      {"-9223372036854775809", "-9.223372036854776e+18"},
      {".inf", "+Inf"},
      {"+.inf", "+Inf"},
      {"-.Inf", "-Inf"},
      {".nan", "NaN"},
      {"+.nan", "+.nan"},
      {"True", "true"},
      {"FALSE", "false"},
      {"yes", "yes"},
      {"2222:22", "2222:22"},
      {"1:20", "1:20"},
      {"'010'", "010"},
      {"!!str 010", "010"},
      {"!!int \"010\"", "8"},
      {"!mine 010", "010"},
  };
  for (const auto& [text, printed] : cases) {
    INFO(text);
    CHECK(value(text).printed() == printed);
  }
}

TEST_CASE("values are described for messages") {
  CHECK(value("{a: 1}").describe() == "a map");
  CHECK(value("[a]").describe() == "a list");
  CHECK(value("x").describe() == "the string 'x'");
  CHECK(value("'8'").describe() == "the string '8'");
  CHECK(value("8").describe() == "the number '8'");
  CHECK(value("1.5").describe() == "the number '1.5'");
  CHECK(value("true").describe() == "the boolean 'true'");
  CHECK(value("").describe() == "nothing");
  CHECK(value(std::string(100, 'x')).describe() == "the string '" + std::string(60, 'x') + "…'");
}

}  // namespace hivemind::hub::yaml
