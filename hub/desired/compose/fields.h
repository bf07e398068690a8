#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "hub/desired/compose/reader.h"

namespace hivemind::hub::compose {

// Whether a key may stand there without a value, which then says no more than an absent key.
enum class Null { kRefused, kAllowed };

// A key for the list of all keys: what becomes of it, and its own members.
struct KnownKey {
  enum class How { kRead, kIgnored, kRefused };
  std::string_view key;
  How how = How::kRead;
  std::string_view why = {};  // of what is ignored or refused; else a note, if any
  std::vector<KnownKey> members = {};
};

// What to do with one key of a map that describes a T. The reader's path already ends in the key; the value
// is never null.
template <typename T>
struct Field {
  std::string_view key;
  void (*read)(const yaml::Node& value, T& into, Reader& reader);
  Null null = Null::kRefused;
  std::string_view ignored = {};                 // why it has no effect: read to be checked and printed only
  std::vector<KnownKey> (*members)() = nullptr;  // of the maps that it reads: members_of<table>
  std::string_view note = {};                    // for the list of keys: what is not had of it
};

// Keys that the specification has and that are not read.
enum class Unread {
  kRefused,  // what it asks for cannot be had: an error
  kIgnored,  // without a meaning on a node, or only a hint: a warning with the reason
  kSilent,   // says what is the case anyway
};
struct UnreadKey {
  std::string_view key;
  Unread how = Unread::kRefused;
  std::string_view text = {};  // the remedy, or why it is ignored
  std::vector<KnownKey> (*members)() = nullptr;
  void (*check)(const yaml::Node& value, Reader& reader) = nullptr;  // of what is ignored
};

template <typename T>
void list_keys(std::span<const Field<T>> fields, std::vector<KnownKey>& into) {
  using How = KnownKey::How;
  for (const Field<T>& field : fields) {
    into.push_back({field.key, field.ignored.empty() ? How::kRead : How::kIgnored,
                    field.ignored.empty() ? field.note : field.ignored,
                    field.members == nullptr ? std::vector<KnownKey>{} : field.members()});
  }
}
template <typename T, std::size_t N>
void list_keys(const Field<T> (&fields)[N], std::vector<KnownKey>& into) {
  list_keys(std::span<const Field<T>>(fields), into);
}
inline void list_keys(std::span<const UnreadKey> unread, std::vector<KnownKey>& into) {
  using How = KnownKey::How;
  for (const UnreadKey& one : unread) {
    const How how = one.how == Unread::kRefused   ? How::kRefused
                    : one.how == Unread::kIgnored ? How::kIgnored
                                                  : How::kRead;
    into.push_back(
        {one.key, how, one.text, one.members == nullptr ? std::vector<KnownKey>{} : one.members()});
  }
}

// For Field::members: the keys of the tables that a map is read by.
template <const auto&... Tables>
std::vector<KnownKey> members_of() {
  std::vector<KnownKey> all;
  (list_keys(Tables, all), ...);
  return all;
}

// 'x-' keys are the user's own at every level.
inline bool is_extension(const yaml::Node& key) {
  return key.scalar.starts_with("x-");
}

template <typename T>
void read_unread(const yaml::Node::Member& member, std::span<const Field<T>> fields,
                 std::span<const UnreadKey> unread, Reader& reader) {
  const auto& [key, value] = member;
  for (const UnreadKey& one : unread) {
    if (one.key != key.scalar) continue;
    if (one.how == Unread::kRefused) reader.unsupported_key(key, std::string(one.text));
    if (one.how == Unread::kIgnored) reader.ignored_key(key, one.text);
    reader.pass_on(key, value);
    if (one.check != nullptr) {
      const Reader::Scope scope = reader.in_key(key.scalar);
      one.check(value, reader);
    }
    return;
  }
  std::vector<std::string_view> known;
  for (const Field<T>& field : fields) known.push_back(field.key);
  for (const UnreadKey& one : unread) known.push_back(one.key);
  reader.unknown_key(key, known);
}

// Reads the members of a map by a table. Members in neither table are unknown keys.
template <typename T>
void read_fields(const yaml::Node& map, std::span<const Field<T>> fields, std::span<const UnreadKey> unread,
                 T& into, Reader& reader) {
  if (!reader.is_map(map)) return;
  for (const yaml::Node::Member& member : map.members) {
    const auto& [key, value] = member;
    const Field<T>* found = nullptr;
    for (const Field<T>& field : fields) {
      if (field.key == key.scalar) found = &field;
    }
    if (found == nullptr && is_extension(key)) continue;
    if (found == nullptr) {
      read_unread(member, fields, unread, reader);
    } else if (!value.is_null() || found->null == Null::kRefused) {
      if (!found->ignored.empty()) reader.ignored_key(key, found->ignored);
      const Reader::Scope scope = reader.in_key(key.scalar);
      if (value.is_null()) {
        reader.error(key.location, "compose.wrong-type", "'" + reader.path() + "' has no value",
                     "give it one, or remove the key");
      } else {
        found->read(value, into, reader);
      }
    }
  }
}

template <typename T, std::size_t N>
void read_fields(const yaml::Node& map, const Field<T> (&fields)[N], T& into, Reader& reader) {
  read_fields(map, std::span<const Field<T>>(fields), std::span<const UnreadKey>{}, into, reader);
}
template <typename T, std::size_t N, std::size_t M>
void read_fields(const yaml::Node& map, const Field<T> (&fields)[N], const UnreadKey (&unread)[M], T& into,
                 Reader& reader) {
  read_fields(map, std::span<const Field<T>>(fields), std::span<const UnreadKey>(unread), into, reader);
}

}  // namespace hivemind::hub::compose
