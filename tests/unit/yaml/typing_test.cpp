#include <cmath>

#include "tests/unit/yaml/parsing.h"

namespace hivemind::hub::yaml {
namespace {

Node value(const std::string& text) {
  return *parsed("v: " + text).find("v");
}

}  // namespace

TEST_CASE("plain scalars are typed by the core schema of YAML 1.2") {
  const std::pair<std::string, Type> cases[] = {
      {"null", Type::kNull},
      {"Null", Type::kNull},
      {"NULL", Type::kNull},
      {"~", Type::kNull},
      {"true", Type::kBool},
      {"True", Type::kBool},
      {"FALSE", Type::kBool},
      {"tRue", Type::kString},
      {"yes", Type::kString},
      {"on", Type::kString},
      {"no", Type::kString},
      {"off", Type::kString},
      {"0", Type::kInteger},
      {"-7", Type::kInteger},
      {"+7", Type::kInteger},
      {"010", Type::kInteger},
      {"0o17", Type::kInteger},
      {"0o8", Type::kString},
      {"0xfF", Type::kInteger},
      {"0xg", Type::kString},
      {"-0x1", Type::kString},
      {"1_000", Type::kString},
      {"1.5", Type::kFloat},
      {".5", Type::kFloat},
      {"5.", Type::kFloat},
      {"1e3", Type::kFloat},
      {"1.2E-3", Type::kFloat},
      {"1e", Type::kString},
      {".", Type::kString},
      {"e3", Type::kString},
      {"-.inf", Type::kFloat},
      {".NaN", Type::kFloat},
      {"1.2.3", Type::kString},
      {"2222:22", Type::kString},
      {"1:30", Type::kString},
      {"2026-01-31", Type::kString},
      {"0b1", Type::kString},
      {"'8'", Type::kString},
      {"\"true\"", Type::kString},
      {"'null'", Type::kString},
      {"12345678901234567890", Type::kInteger},
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
  CHECK(value("010").as_integer() == 10);
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
