// Prints the shapes of every action, a member a line, for tests/e2e/test_shapes.py, which compares them with the
// service model that boto3 carries: action, input or output, path of the member, type, and where AWS Query carries it.
#include <cstdio>
#include <string>

#include "api/action_table.h"

namespace {

using howdah::api::Member;
using howdah::api::Shape;
using howdah::api::ShapeType;
using howdah::api::Structure;

const char* typeName(ShapeType type) {
  switch (type) {
    case ShapeType::String:
    case ShapeType::QueueUrl:
    case ShapeType::ErrorCode:
      return "string";
    case ShapeType::Blob:
      return "blob";
    case ShapeType::Integer:
      return "integer";
    case ShapeType::Long:
      return "long";
    case ShapeType::Boolean:
      return "boolean";
    case ShapeType::Structure:
      return "structure";
    case ShapeType::List:
      return "list";
    case ShapeType::Map:
      return "map";
  }
  return "?";
}

void print(const std::string& before, const Structure& structure, const std::string& path) {
  for (const Member& member : structure.members) {
    std::string at = path + std::string(member.name);
    std::string type = typeName(member.shape->type);
    const Shape* inner = member.shape;
    while (inner->element) {
      at += inner->type == ShapeType::List ? "[]" : "{}";
      inner = inner->element;
      type.append(" of ").append(typeName(inner->type));
    }
    std::string query(member.query.name);
    if (!member.query.map_key.empty())
      query.append(" ").append(member.query.map_key).append(" ").append(member.query.map_value);
    std::printf("%s\t%s\t%s\t%s\n", before.c_str(), at.c_str(), type.c_str(), query.c_str());
    if (inner->structure) print(before, *inner->structure, at + ".");
  }
}

}  // namespace

int main() {
  for (const howdah::api::Action& action : howdah::api::actionTable()) {
    const std::string name(action.name);
    std::printf("%s\n", name.c_str());
    print(name + "\tinput", *action.input, "");
    if (action.output) print(name + "\toutput", *action.output, "");
  }
}
