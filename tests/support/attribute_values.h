// Message attribute values, short to write.
#pragma once

#include <string>
#include <utility>

#include "service/operations.h"

namespace howdah::service {

inline MessageAttributeValue textValue(std::string data_type, std::string value) {
  MessageAttributeValue attribute;
  attribute.data_type = std::move(data_type);
  attribute.string_value = std::move(value);
  return attribute;
}

inline MessageAttributeValue binaryValue(std::string data_type, std::string value) {
  MessageAttributeValue attribute;
  attribute.data_type = std::move(data_type);
  attribute.binary_value = std::move(value);
  return attribute;
}

}  // namespace howdah::service
