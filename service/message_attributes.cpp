#include "service/message_attributes.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "service/characters.h"
#include "service/limits.h"

namespace howdah::service {
namespace {

template <class... Values>
Error invalidParameter(fmt::format_string<Values...> text, Values&&... values) {
  return Error{ErrorCode::InvalidParameterValueException, fmt::format(text, std::forward<Values>(values)...)};
}

bool isGiven(const std::optional<std::string>& value) { return value && !value->empty(); }

// A decimal number as Amazon keeps them: 38 significant digits, 10^-128 to 10^126 in magnitude, or zero.
bool isNumber(std::string_view text) {
  const auto takeSign = [&] {
    if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
  };
  const auto takeDigits = [&] {
    std::size_t length = 0;
    while (length < text.size() && text[length] >= '0' && text[length] <= '9') ++length;
    const std::string_view digits = text.substr(0, length);
    text.remove_prefix(length);
    return digits;
  };
  takeSign();
  const std::string_view whole = takeDigits();
  std::string_view fraction;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = takeDigits();
  }
  if (whole.empty() && fraction.empty()) return false;
  std::int64_t exponent = 0;
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    const bool negative = text.starts_with('-');
    takeSign();
    const std::string_view digits = takeDigits();
    if (digits.empty() || digits.size() > 9) return false;
    for (char digit : digits) exponent = exponent * 10 + (digit - '0');
    if (negative) exponent = -exponent;
  }
  if (!text.empty()) return false;

  const std::string digits = std::string(whole) + std::string(fraction);
  const std::size_t first = digits.find_first_not_of('0');
  if (first == std::string::npos) return true;
  const std::size_t last = digits.find_last_not_of('0');
  // Of the first significant digit.
  exponent += static_cast<std::int64_t>(whole.size()) - 1 - static_cast<std::int64_t>(first);
  const bool is_highest = exponent == kHighestNumberExponent && first == last && digits[first] == '1';
  return last - first < static_cast<std::size_t>(kMaximumNumberDigits) && exponent >= kLowestNumberExponent &&
         (exponent < kHighestNumberExponent || is_highest);
}

// `kind` is how the texts call the attribute: "(user)" or "system".
Result<Nothing> checkValue(std::string_view kind, const std::string& name, const MessageAttributeValue& value,
                           std::string_view base_type) {
  const bool binary = base_type == "Binary";
  if (!value.string_value && !value.binary_value) {
    return invalidParameter("The message {} attribute '{}' must contain a non-empty message attribute value.", kind,
                            name);
  }
  if (value.string_value && value.binary_value) {
    return invalidParameter("Message {} attribute '{}' must have a single value.", kind, name);
  }
  const std::optional<std::string>& used = binary ? value.binary_value : value.string_value;
  if (!used) {
    return invalidParameter("The message attribute '{}' with type '{}' must use field '{}'.", name, *value.data_type,
                            binary ? "Binary" : "String");
  }
  if (used->empty()) {
    return invalidParameter("Message {} attribute '{}' must contain a non-empty value of type '{}'.", kind, name,
                            base_type);
  }
  if (base_type == "Number" && !isNumber(*used)) {
    return invalidParameter("Can't cast the value of message {} attribute '{}' to a number.", kind, name);
  }
  if (!binary && !hasOnlyAllowedCharacters(*used)) return invalidParameter("{}", kInvalidCharacters);
  return Nothing{};
}

Result<Nothing> checkNoListValues(const MessageAttributeValue& value) {
  const auto given = [](const std::optional<std::vector<std::string>>& list) { return list && !list->empty(); };
  if (given(value.string_list_values) || given(value.binary_list_values)) {
    return Error{ErrorCode::UnsupportedOperation,
                 "Message attribute list values in SendMessage operation are not supported."};
  }
  return Nothing{};
}

Result<Nothing> checkAttributeName(const std::string& name) {
  if (name.empty()) return invalidParameter("The request must contain non-empty message (user) attribute names.");
  if (name.size() > kMaximumMessageAttributeNameBytes) {
    return invalidParameter("Message (user) attribute names must be shorter than 256 Bytes");
  }
  const auto accepted = [](char32_t c) {
    return c < 0x80 ? isNameCharacter(static_cast<char>(c)) || c == '.' : isLetterOrDigit(c);
  };
  if (!countCharacters(name, accepted)) {
    return invalidParameter(
        "Message (user) attributes name can only contain upper and lower score characters, digits, periods, hyphens "
        "and underscores. ");
  }
  if (startsWithIgnoringCase(name, "aws.") || startsWithIgnoringCase(name, "amazon.")) {
    return invalidParameter(
        "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for "
        "internal use. Additionally, they cannot start or end with '.'.");
  }
  if (name.find("..") != std::string::npos) {
    return invalidParameter("Message (user) attribute name must not have successive '.' characters.");
  }
  if (name.front() == '.') return invalidParameter("Message (user) attribute name must not begin with character '.'.");
  if (name.back() == '.') return invalidParameter("Message (user) attribute name must not end with character '.'.");
  return Nothing{};
}

Result<Nothing> checkAttribute(const std::string& name, const MessageAttributeValue& value) {
  if (auto checked = checkAttributeName(name); !checked) return checked;
  if (auto checked = checkNoListValues(value); !checked) return checked;
  if (!isGiven(value.data_type)) {
    return invalidParameter("The message (user) attribute '{}' must contain a non-empty message attribute type.", name);
  }
  if (value.data_type->size() > kMaximumMessageAttributeTypeBytes) {
    return invalidParameter("Message (user) attribute types must be shorter than 256 Bytes");
  }
  const std::string_view base_type = std::string_view(*value.data_type).substr(0, value.data_type->find('.'));
  if ((base_type != "String" && base_type != "Number" && base_type != "Binary") ||
      !hasOnlyAllowedCharacters(*value.data_type)) {
    return invalidParameter(
        "The type of message (user) attribute '{}' is invalid. You must use only the following supported type "
        "prefixes: "
        "Binary, Number, String.",
        name);
  }
  return checkValue("(user)", name, value, base_type);
}

bool canBeTraceHeader(const std::string& text) {
  return !text.empty() && text.size() <= kMaximumTraceHeaderBytes && hasOnlyAllowedCharacters(text);
}

}  // namespace

Result<Nothing> checkMessageAttributes(const MessageAttributeMap& attributes) {
  if (attributes.size() > kMaximumMessageAttributes) {
    return invalidParameter("Number of message attributes [{}] exceeds the allowed maximum [{}].", attributes.size(),
                            kMaximumMessageAttributes);
  }
  for (const auto& [name, value] : attributes) {
    if (auto checked = checkAttribute(name, value); !checked) return checked;
  }
  return Nothing{};
}

Result<Nothing> checkMessageSystemAttributes(const MessageAttributeMap& attributes) {
  for (const auto& [name, value] : attributes) {
    if (name != "AWSTraceHeader") return invalidParameter("Message system attribute name '{}' is invalid.", name);
    if (auto checked = checkNoListValues(value); !checked) return checked;
    if (!isGiven(value.data_type)) {
      return invalidParameter("The message system attribute '{}' must contain a non-empty message attribute type.",
                              name);
    }
    if (value.data_type != "String") {
      return invalidParameter(
          "The type of message system attribute '{}' is invalid. You must use only the following supported type "
          "prefixes: String.",
          name);
    }
    if (auto checked = checkValue("system", name, value, "String"); !checked) return checked;
    if (!canBeTraceHeader(*value.string_value)) {
      return invalidParameter("Message system attribute '{}' must be shorter than {} bytes.", name,
                              kMaximumTraceHeaderBytes);
    }
  }
  return Nothing{};
}

std::optional<std::string> traceHeader(const MessageAttributeMap& message_system_attributes,
                                       const std::string& request_trace_header) {
  const auto given = message_system_attributes.find("AWSTraceHeader");
  if (given != message_system_attributes.end()) return given->second.string_value;
  if (canBeTraceHeader(request_trace_header)) return request_trace_header;
  return std::nullopt;
}

}  // namespace howdah::service
