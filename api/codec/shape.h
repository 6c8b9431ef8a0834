// AWS's shapes as data: what a structure's members are called, of what type they are and where each protocol carries
// them, with accessors that reach the C++ member without knowing its type. The codecs walk this and nothing else;
// api/codec/shapes.cpp holds the descriptions.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "service/operations.h"

namespace howdah::api {

enum class ShapeType {
  String,     // std::string, UTF-8
  Blob,       // std::string of bytes, base64 on the wire
  Integer,    // std::int32_t
  Long,       // std::int64_t
  Boolean,    // bool
  QueueUrl,   // service::QueueRef, a URL on the wire
  ErrorCode,  // service::ErrorCode, its Query code on the wire; only in outputs
  Structure,
  List,  // std::vector
  Map,   // std::map from std::string
};

struct Structure;

// How one C++ type is carried. `storage` is the address of a variable of that type; `value` that of what it holds: the
// same address, or the inside of an optional.
struct Shape {
  using Visit = std::function<void(const std::string& key, const void* storage)>;

  ShapeType type;
  // The value, or nullptr where nothing is to be written: an empty optional, list or map.
  const void* (*read)(const void* storage);
  // Makes the value present and empty, and returns it.
  void* (*reset)(void* storage);

  const Structure* structure = nullptr;  // Structure

  // List and Map; what `append`, `insert` and `each` speak of is storage of shape `element`.
  const Shape* element = nullptr;
  void* (*append)(void* list) = nullptr;
  void* (*insert)(void* map, std::string key) = nullptr;  // a key that is there already gives way
  void (*each)(const void* collection, const Visit& visit) = nullptr;
};

// Where AWS Query carries a member. SQS flattens every list and map: NAME.1, NAME.2, or NAME.1.KEY and NAME.1.VALUE.
struct QueryLocation {
  std::string_view name;
  std::string_view map_key;
  std::string_view map_value;
};

struct Member {
  std::string_view name;  // of AWS's model, and in JSON
  QueryLocation query;
  const Shape* shape;
  void* (*address)(void* structure);  // the storage of this member

  const void* read(const void* structure) const { return shape->read(address(const_cast<void*>(structure))); }
};

struct Structure {
  std::string_view name;  // AWS's
  std::vector<Member> members;

  const Member* find(std::string_view member_name) const {
    for (const Member& member : members)
      if (member.name == member_name) return &member;
    return nullptr;
  }
};

// The description of a structure of service/operations.h; specialised in shapes.cpp.
template <class T>
const Structure& structureOf();

namespace detail {

template <class T>
constexpr bool kIsList = false;
template <class T>
constexpr bool kIsList<std::vector<T>> = true;
template <class T>
constexpr bool kIsMap = false;
template <class T>
constexpr bool kIsMap<std::map<std::string, T>> = true;

template <class T>
struct Holder {
  using Value = T;
  static const void* read(const void* storage) {
    if constexpr (kIsList<T> || kIsMap<T>)
      if (static_cast<const T*>(storage)->empty()) return nullptr;
    return storage;
  }
  static void* reset(void* storage) {
    *static_cast<T*>(storage) = T{};
    return storage;
  }
};
template <class T>
struct Holder<std::optional<T>> {
  using Value = T;
  static const void* read(const void* storage) {
    const auto& held = *static_cast<const std::optional<T>*>(storage);
    return held ? Holder<T>::read(&*held) : nullptr;
  }
  static void* reset(void* storage) { return &static_cast<std::optional<T>*>(storage)->emplace(); }
};

template <class T>
constexpr ShapeType scalarType() {
  if constexpr (std::is_same_v<T, std::int32_t>) return ShapeType::Integer;
  if constexpr (std::is_same_v<T, std::int64_t>) return ShapeType::Long;
  if constexpr (std::is_same_v<T, bool>) return ShapeType::Boolean;
  if constexpr (std::is_same_v<T, service::QueueRef>) return ShapeType::QueueUrl;
  if constexpr (std::is_same_v<T, service::ErrorCode>) return ShapeType::ErrorCode;
  return ShapeType::Structure;
}

template <auto Field>
struct FieldOf;
template <class C, class T, T C::*Field>
struct FieldOf<Field> {
  using Class = C;
  using Type = T;
};

}  // namespace detail

// The shape of T; `Text` says whether its strings are String or Blob.
template <class T, ShapeType Text = ShapeType::String>
const Shape& shapeOf() {
  using Value = typename detail::Holder<T>::Value;
  static const Shape shape = [] {
    Shape made{.type = Text, .read = detail::Holder<T>::read, .reset = detail::Holder<T>::reset};
    if constexpr (detail::kIsList<Value>) {
      made.type = ShapeType::List;
      made.element = &shapeOf<typename Value::value_type, Text>();
      made.append = [](void* list) -> void* { return &static_cast<Value*>(list)->emplace_back(); };
      made.each = [](const void* list, const Shape::Visit& visit) {
        for (const auto& element : *static_cast<const Value*>(list)) visit({}, &element);
      };
    } else if constexpr (detail::kIsMap<Value>) {
      made.type = ShapeType::Map;
      made.element = &shapeOf<typename Value::mapped_type, Text>();
      made.insert = [](void* map, std::string key) -> void* { return &(*static_cast<Value*>(map))[std::move(key)]; };
      made.each = [](const void* map, const Shape::Visit& visit) {
        for (const auto& [key, element] : *static_cast<const Value*>(map)) visit(key, &element);
      };
    } else if constexpr (!std::is_same_v<Value, std::string>) {
      made.type = detail::scalarType<Value>();
      if constexpr (detail::scalarType<Value>() == ShapeType::Structure) made.structure = &structureOf<Value>();
    }
    return made;
  }();
  return shape;
}

// One line of a description: member<&SendMessageInput::message_body>("MessageBody").
template <auto Field, ShapeType Text = ShapeType::String>
Member member(std::string_view name, QueryLocation query) {
  using Of = detail::FieldOf<Field>;
  return {name, query, &shapeOf<typename Of::Type, Text>(),
          [](void* structure) -> void* { return &(static_cast<typename Of::Class*>(structure)->*Field); }};
}
template <auto Field, ShapeType Text = ShapeType::String>
Member member(std::string_view name) {
  return member<Field, Text>(name, QueryLocation{name, {}, {}});
}

}  // namespace howdah::api
