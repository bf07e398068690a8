#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/desired/diagnostic.h"

namespace hivemind::hub::yaml {

enum class Kind { kNull, kScalar, kSequence, kMap };

// The type that the reference's parser gives a plain scalar: YAML 1.2's core schema, with 0b10, 010 (octal)
// and 1_000 as numbers besides. Quoted and block scalars, and those with a tag of their own, are strings.
enum class Type { kNull, kBool, kInteger, kFloat, kString };

// One node of a document, aliases expanded and merge keys ("<<") applied. A value: copies, compares, may be
// changed (interpolation rewrites scalars) without touching what it was copied from.
class Node {
 public:
  using Member = std::pair<Node, Node>;  // key (a scalar) and value

  // Defined where Member is complete: clang wants that of a vector's functions in C++20.
  Node();
  ~Node();
  Node(const Node&);
  Node(Node&&) noexcept;
  Node& operator=(const Node&);
  Node& operator=(Node&&) noexcept;

  Kind kind = Kind::kNull;
  Location location;
  std::string scalar;  // kScalar: the text
  bool plain = false;  // kScalar: neither quoted nor a block; only plain scalars are typed
  bool substituted =
      false;        // kScalar: interpolation made the text: a string, which as_bool() and the like read too
  std::string tag;  // explicit, such as "!reset"; else empty
  std::vector<Node> items;      // kSequence
  std::vector<Member> members;  // kMap, in the order of the file; keys are unique

  bool is_null() const;  // no value, or a plain 'null' or '~' that interpolation did not make
  bool is_scalar() const { return kind == Kind::kScalar && !is_null(); }
  bool is_sequence() const { return kind == Kind::kSequence; }
  bool is_map() const { return kind == Kind::kMap; }

  const Node* find(std::string_view key) const;      // null when absent or when this is no map
  const Node* find_key(std::string_view key) const;  // the key's own node, for its location

  Type type() const;
  // Of plain and of substituted scalars; nothing for quoted ones.
  std::optional<bool> as_bool() const;             // true/false only (YAML 1.2 core)
  std::optional<std::int64_t> as_integer() const;  // decimal, 010, 0o…, 0x…, 0b…; substituted: decimal
  std::optional<double> as_float() const;          // integers too

  // A scalar's text as the reference prints it where a string is wanted: the plain ones are typed before they
  // are printed (010 is "8", 0x10 "16", 1.10 "1.1", 1e6 "1e+06", True "true"); anything else as written.
  std::string printed() const;

  // "a map", "a list", "the string 'x'", "the number '8'", "nothing": for messages.
  std::string describe() const;
};

struct Limits {
  std::size_t max_bytes = 1u << 20;  // of one file
  std::size_t max_depth = 64;
  std::size_t max_nodes = 100'000;  // after alias expansion
};

// Parses one document. Duplicate keys, non-scalar keys, aliases to nothing, wrong merge values, a second
// document, bytes that are not UTF-8 and exceeded limits are errors with their place (codes "yaml.*").
// Nothing is returned when there was one.
std::optional<Node> parse(std::string_view text, const std::string& file, Diagnostics& diagnostics,
                          const Limits& limits = {});

// The same for a text that may hold several documents. An empty text holds none.
std::optional<std::vector<Node>> parse_all(std::string_view text, const std::string& file,
                                           Diagnostics& diagnostics, const Limits& limits = {});

}  // namespace hivemind::hub::yaml
