#include "service/validation.h"

#include <locale.h>
#include <wctype.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

#include "service/limits.h"
#include "service/receive_attributes.h"

namespace howdah::service {
namespace {

constexpr const char* kInvalidCharacters =
    "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | "
    "#x10000 to #x10FFFF";
constexpr const char* kInvalidQueueName =
    "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";
constexpr const char* kNotForThisQueueType = "The request includes a parameter that is not valid for this queue type.";
constexpr std::string_view kFifoSuffix = ".fifo";

Error invalidParameter(std::string text) { return Error{ErrorCode::InvalidParameterValueException, std::move(text)}; }

Error invalidValue(const std::string& value, const std::string& parameter, const std::string& reason) {
  return invalidParameter("Value " + value + " for parameter " + parameter + " is invalid. Reason: " + reason);
}

Error missing(const std::string& parameter) {
  return Error{ErrorCode::MissingRequiredParameterException,
               "The request must contain the parameter " + parameter + "."};
}

bool isGiven(const std::optional<std::string>& value) { return value && !value->empty(); }

bool isAlphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
bool isNameCharacter(char c) { return isAlphanumeric(c) || c == '-' || c == '_'; }

bool isOutside(const std::optional<std::int32_t>& value, int low, int high) {
  return value && (*value < low || *value > high);
}

// Takes the next code point off `text`; nothing if it is not valid UTF-8 (overlong, surrogate, cut off, ...).
// REQUIRES: text is not empty.
std::optional<char32_t> takeCodePoint(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  std::size_t length = 1;
  char32_t code_point = lead;
  char32_t lowest = 0;
  if (lead >= 0x80) {
    if (lead >= 0xc2 && lead <= 0xdf) {
      length = 2, code_point = lead & 0x1f, lowest = 0x80;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      length = 3, code_point = lead & 0x0f, lowest = 0x800;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      length = 4, code_point = lead & 0x07, lowest = 0x10000;
    } else {
      return std::nullopt;
    }
    if (text.size() < length) return std::nullopt;
    for (std::size_t i = 1; i < length; ++i) {
      const auto next = static_cast<unsigned char>(text[i]);
      if ((next & 0xc0) != 0x80) return std::nullopt;
      code_point = (code_point << 6) | (next & 0x3f);
    }
    if (code_point < lowest || code_point > 0x10ffff || (code_point >= 0xd800 && code_point <= 0xdfff)) {
      return std::nullopt;
    }
  }
  text.remove_prefix(length);
  return code_point;
}

bool isAllowed(char32_t code_point) {
  if (code_point < 0x20) return code_point == 0x09 || code_point == 0x0a || code_point == 0x0d;
  return code_point != 0xfffe && code_point != 0xffff;
}

// Unicode's classes, whatever locale the process has.
locale_t unicodeLocale() {
  static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (!locale) throw std::runtime_error("the C.UTF-8 locale is missing");
  return locale;
}
bool isLetterOrDigit(char32_t c) { return iswalnum_l(static_cast<wint_t>(c), unicodeLocale()) != 0; }
bool isSpace(char32_t c) { return iswspace_l(static_cast<wint_t>(c), unicodeLocale()) != 0; }

// The number of code points, or nothing if one of them is refused or it is not UTF-8.
template <class Accepts>
std::optional<std::size_t> countCharacters(std::string_view text, Accepts accepts) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) {
    const auto code_point = takeCodePoint(text);
    if (!code_point || !isAllowed(*code_point) || !accepts(*code_point)) return std::nullopt;
  }
  return count;
}

bool startsWithIgnoringCase(std::string_view text, std::string_view lower_case_prefix) {
  return text.size() >= lower_case_prefix.size() &&
         std::equal(lower_case_prefix.begin(), lower_case_prefix.end(), text.begin(),
                    [](char lower, char c) { return (c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) == lower; });
}

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
Result<Nothing> checkValue(const std::string& kind, const std::string& name, const MessageAttributeValue& value,
                           std::string_view base_type) {
  const bool binary = base_type == "Binary";
  if (!value.string_value && !value.binary_value) {
    return invalidParameter("The message " + kind + " attribute '" + name +
                            "' must contain a non-empty message attribute value.");
  }
  if (value.string_value && value.binary_value) {
    return invalidParameter("Message " + kind + " attribute '" + name + "' must have a single value.");
  }
  const std::optional<std::string>& used = binary ? value.binary_value : value.string_value;
  if (!used) {
    return invalidParameter("The message attribute '" + name + "' with type '" + *value.data_type +
                            "' must use field '" + (binary ? "Binary" : "String") + "'.");
  }
  if (used->empty()) {
    return invalidParameter("Message " + kind + " attribute '" + name + "' must contain a non-empty value of type '" +
                            std::string(base_type) + "'.");
  }
  if (base_type == "Number" && !isNumber(*used)) {
    return invalidParameter("Can't cast the value of message " + kind + " attribute '" + name + "' to a number.");
  }
  if (!binary && !hasOnlyAllowedCharacters(*used)) return invalidParameter(kInvalidCharacters);
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
  const std::string attribute_name = "Message (user) attribute name";
  if (name.empty()) return invalidParameter("The request must contain non-empty message (user) attribute names.");
  if (name.size() > kMaximumMessageAttributeNameBytes) {
    return invalidParameter(attribute_name + "s must be shorter than 256 Bytes");
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
    return invalidParameter(attribute_name + " must not have successive '.' characters.");
  }
  if (name.front() == '.') return invalidParameter(attribute_name + " must not begin with character '.'.");
  if (name.back() == '.') return invalidParameter(attribute_name + " must not end with character '.'.");
  return Nothing{};
}

Result<Nothing> checkAttribute(const std::string& name, const MessageAttributeValue& value) {
  if (auto checked = checkAttributeName(name); !checked) return checked;
  if (auto checked = checkNoListValues(value); !checked) return checked;
  if (!isGiven(value.data_type)) {
    return invalidParameter("The message (user) attribute '" + name +
                            "' must contain a non-empty message attribute type.");
  }
  if (value.data_type->size() > kMaximumMessageAttributeTypeBytes) {
    return invalidParameter("Message (user) attribute types must be shorter than 256 Bytes");
  }
  const std::string_view base_type = std::string_view(*value.data_type).substr(0, value.data_type->find('.'));
  if ((base_type != "String" && base_type != "Number" && base_type != "Binary") ||
      !hasOnlyAllowedCharacters(*value.data_type)) {
    return invalidParameter(
        "The type of message (user) attribute '" + name +
        "' is invalid. You must use only the following supported type prefixes: Binary, Number, String.");
  }
  return checkValue("(user)", name, value, base_type);
}

Result<Nothing> checkAttributes(const MessageAttributeMap& attributes) {
  if (attributes.size() > kMaximumMessageAttributes) {
    return invalidParameter("Number of message attributes [" + std::to_string(attributes.size()) +
                            "] exceeds the allowed maximum [" + std::to_string(kMaximumMessageAttributes) + "].");
  }
  for (const auto& [name, value] : attributes) {
    if (auto checked = checkAttribute(name, value); !checked) return checked;
  }
  return Nothing{};
}

bool canBeTraceHeader(const std::string& text) {
  return !text.empty() && text.size() <= kMaximumTraceHeaderBytes && hasOnlyAllowedCharacters(text);
}

Result<Nothing> checkSystemAttributes(const MessageAttributeMap& attributes) {
  for (const auto& [name, value] : attributes) {
    if (name != "AWSTraceHeader") return invalidParameter("Message system attribute name '" + name + "' is invalid.");
    if (auto checked = checkNoListValues(value); !checked) return checked;
    if (!isGiven(value.data_type)) {
      return invalidParameter("The message system attribute '" + name +
                              "' must contain a non-empty message attribute type.");
    }
    if (value.data_type != "String") {
      return invalidParameter("The type of message system attribute '" + name +
                              "' is invalid. You must use only the following supported type prefixes: String.");
    }
    if (auto checked = checkValue("system", name, value, "String"); !checked) return checked;
    if (!canBeTraceHeader(*value.string_value)) {
      return invalidParameter("Message system attribute '" + name + "' must be shorter than " +
                              std::to_string(kMaximumTraceHeaderBytes) + " bytes.");
    }
  }
  return Nothing{};
}

// What a message counts against the limits of size.
template <class Sent>
std::size_t countedBytes(const Sent& sent) {
  std::size_t bytes = sent.message_body ? sent.message_body->size() : 0;
  for (const auto& [name, value] : sent.message_attributes) {
    bytes += name.size();
    for (const auto* part : {&value.data_type, &value.string_value, &value.binary_value}) {
      if (*part) bytes += (*part)->size();
    }
  }
  return bytes;
}

bool isGroupOrDeduplicationId(std::string_view id) {
  return !id.empty() && id.size() <= kMaximumGroupOrDeduplicationIdLength &&
         std::all_of(id.begin(), id.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

// A message sent alone or in a batch; only the beginning of one text tells them apart.
template <class Sent>
Result<Nothing> checkSent(const Sent& sent, const QueueSettings& queue, std::string_view when_too_long) {
  if (!isGiven(sent.message_body)) return missing("MessageBody");
  if (isOutside(sent.delay_seconds, 0, kMaximumDelaySeconds)) {
    return invalidValue(std::to_string(*sent.delay_seconds), "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.");
  }
  if (sent.message_deduplication_id && !queue.fifo) {
    return invalidValue(*sent.message_deduplication_id, "MessageDeduplicationId", kNotForThisQueueType);
  }
  if (sent.message_group_id && !isGroupOrDeduplicationId(*sent.message_group_id)) {
    return invalidValue(*sent.message_group_id, "MessageGroupId",
                        "MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.");
  }
  if (auto checked = checkAttributes(sent.message_attributes); !checked) return checked;
  if (auto checked = checkSystemAttributes(sent.message_system_attributes); !checked) return checked;
  if (countedBytes(sent) > queue.maximum_message_bytes) {
    return invalidParameter(std::string(when_too_long) + " Reason: Message must be shorter than " +
                            std::to_string(queue.maximum_message_bytes) + " bytes.");
  }
  if (!hasOnlyAllowedCharacters(*sent.message_body)) {
    return Error{ErrorCode::InvalidMessageContents, kInvalidCharacters};
  }
  return Nothing{};
}

Result<Nothing> checkReceiptHandleGiven(const std::optional<std::string>& receipt_handle) {
  if (!isGiven(receipt_handle)) return missing("ReceiptHandle");
  return Nothing{};
}

template <class Change>
Result<Nothing> checkChange(const Change& change, const std::string& range_reason) {
  if (!change.visibility_timeout) return missing("VisibilityTimeout");
  if (auto checked = checkReceiptHandleGiven(change.receipt_handle); !checked) return checked;
  if (isOutside(change.visibility_timeout, 0, kMaximumVisibilityTimeoutSeconds)) {
    return invalidValue(std::to_string(*change.visibility_timeout), "VisibilityTimeout", range_reason);
  }
  return Nothing{};
}

bool isBatchEntryId(std::string_view id) {
  return !id.empty() && id.size() <= kMaximumBatchEntryIdLength && std::all_of(id.begin(), id.end(), isNameCharacter);
}

template <class Entry>
Result<Nothing> checkEntries(const std::optional<std::vector<Entry>>& entries, const std::string& entry_name) {
  if (!entries) return missing("Entries");
  if (entries->empty()) {
    return Error{ErrorCode::EmptyBatchRequest, "There should be at least one " + entry_name + " in the request."};
  }
  if (entries->size() > kMaximumBatchEntries) {
    return Error{
        ErrorCode::TooManyEntriesInBatchRequest,
        "Maximum number of entries per request are 10. You have sent " + std::to_string(entries->size()) + "."};
  }
  for (const Entry& entry : *entries) {
    if (entry.id && isBatchEntryId(*entry.id)) continue;
    return Error{
        ErrorCode::InvalidBatchEntryId,
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most "
        "80 letters long."};
  }
  std::set<std::string_view> ids;
  for (const Entry& entry : *entries) {
    if (ids.insert(*entry.id).second) continue;
    return Error{ErrorCode::BatchEntryIdsNotDistinct, "Id " + *entry.id + " repeated."};
  }
  return Nothing{};
}

}  // namespace

bool isQueueName(std::string_view name) {
  if (name.size() > kMaximumQueueNameLength) return false;
  if (name.ends_with(kFifoSuffix)) name.remove_suffix(kFifoSuffix.size());
  return !name.empty() && std::all_of(name.begin(), name.end(), isNameCharacter);
}

bool hasOnlyAllowedCharacters(std::string_view text) {
  constexpr std::uint64_t kEachByte = 0x0101010101010101;
  while (!text.empty()) {
    // Eight bytes at a time, as long as all are printable ASCII: no high bit, and none borrows when 0x20 is taken away.
    std::uint64_t word = 0;
    while (text.size() >= sizeof(word)) {
      std::memcpy(&word, text.data(), sizeof(word));
      if (((word | (word - 0x20 * kEachByte)) & (0x80 * kEachByte)) != 0) break;
      text.remove_prefix(sizeof(word));
    }
    for (std::size_t i = 0; i < sizeof(word) && !text.empty(); ++i) {
      const auto code_point = takeCodePoint(text);
      if (!code_point || !isAllowed(*code_point)) return false;
    }
  }
  return true;
}

Result<Nothing> checkNewQueueName(const CreateQueueInput& input) {
  if (!input.queue_name) {
    return invalidParameter("Value for parameter QueueName is invalid. Reason: Must specify a queue name.");
  }
  const std::string& name = *input.queue_name;
  if (name.empty()) return invalidParameter("Queue name cannot be empty");
  bool fifo = false;
  if (input.attributes) {
    const auto given = input.attributes->find("FifoQueue");
    fifo =
        given != input.attributes->end() && given->second.size() == 4 && startsWithIgnoringCase(given->second, "true");
  }
  if (fifo && !(isQueueName(name) && name.ends_with(kFifoSuffix))) {
    return invalidParameter(
        "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with "
        ".fifo suffix and be 1 to 80 in length");
  }
  if (!isQueueName(name) || (name.ends_with(kFifoSuffix) && !fifo)) return invalidParameter(kInvalidQueueName);
  return Nothing{};
}

Result<Nothing> checkTags(const std::string& queue_name, const TagMap& tags) {
  if (tags.size() > kMaximumTags) return invalidParameter("Too many tags added for queue " + queue_name + ".");
  const auto accepted = [](char32_t c) {
    return isLetterOrDigit(c) || isSpace(c) ||
           (c < 0x80 && std::string_view("_.:/=+-@").find(static_cast<char>(c)) != std::string_view::npos);
  };
  const auto any = [](char32_t) { return true; };
  for (const auto& [key, value] : tags) {
    // One code point is at most four bytes: what is longer need not be counted.
    const auto key_length = key.size() > 4 * kMaximumTagKeyLength ? key.size() : countCharacters(key, any).value_or(1);
    if (key_length < 1 || key_length > kMaximumTagKeyLength) {
      return invalidParameter("Tag keys must be between 1 and 128 characters in length.");
    }
    if (!countCharacters(key, accepted)) {
      return invalidParameter(
          "Tag keys may only contain unicode letters, digits, whitespace, or one of these symbols: _ . : / = + - @");
    }
    if (startsWithIgnoringCase(key, "aws:")) {
      return invalidParameter("Tag keys must not begin with aws:, which is reserved.");
    }
    const auto value_length =
        value.size() > 4 * kMaximumTagValueLength ? value.size() : countCharacters(value, any).value_or(0);
    if (value_length > kMaximumTagValueLength) {
      return invalidParameter("Tag values must be between 0 and 256 characters in length.");
    }
    if (!countCharacters(value, accepted)) {
      return invalidParameter(
          "Tag values may only contain unicode letters, digits, whitespace, or one of these symbols: _ . : / = + - @");
    }
  }
  return Nothing{};
}

Result<Nothing> checkGetQueueUrl(const GetQueueUrlInput& input) {
  if (!input.queue_name) {
    return invalidParameter("Value for parameter QueueName is invalid. Reason: Must specify a queue name.");
  }
  if (input.queue_name->empty()) return invalidParameter("Queue name cannot be empty");
  return Nothing{};
}

Result<Nothing> checkListQueues(const ListQueuesInput& input) {
  if (isOutside(input.max_results, 1, kMaximumListResults)) {
    return invalidParameter(
        "Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 1000.");
  }
  if (input.next_token && !input.max_results) {
    return invalidParameter("MaxResults is a mandatory parameter when you provide a value for NextToken.");
  }
  const std::string prefix = input.queue_name_prefix.value_or("");
  if (prefix.size() > kMaximumQueueNameLength ||
      !std::all_of(prefix.begin(), prefix.end(), [](char c) { return isNameCharacter(c) || c == '.'; })) {
    return invalidValue(prefix, "QueueNamePrefix", kInvalidQueueName);
  }
  return Nothing{};
}

Result<Nothing> checkSendMessage(const SendMessageInput& input, const QueueSettings& queue) {
  return checkSent(input, queue, "One or more parameters are invalid.");
}

Result<Nothing> checkSendMessageBatchEntry(const SendMessageBatchRequestEntry& entry, const QueueSettings& queue) {
  return checkSent(entry, queue, "One or more parameters cannot be validated.");
}

Result<Nothing> checkReceiveMessage(const ReceiveMessageInput& input, const QueueSettings& queue) {
  if (isOutside(input.max_number_of_messages, 1, kMaximumReceivedMessages)) {
    return invalidValue(std::to_string(*input.max_number_of_messages), "MaxNumberOfMessages",
                        "Must be between 1 and 10, if provided.");
  }
  if (isOutside(input.wait_time_seconds, 0, kMaximumWaitTimeSeconds)) {
    return invalidValue(std::to_string(*input.wait_time_seconds), "WaitTimeSeconds",
                        "Must be >= 0 and <= 20, if provided.");
  }
  if (isOutside(input.visibility_timeout, 0, kMaximumVisibilityTimeoutSeconds)) {
    return invalidValue(std::to_string(*input.visibility_timeout), "VisibilityTimeout",
                        "Must be >= 0 and <= 43200, if provided.");
  }
  if (input.receive_request_attempt_id && !queue.fifo) {
    return invalidValue(*input.receive_request_attempt_id, "ReceiveRequestAttemptId", kNotForThisQueueType);
  }
  if (auto selected = selectSystemAttributes(input); !selected) return selected.error();
  return Nothing{};
}

Result<Nothing> checkDeleteMessage(const DeleteMessageInput& input) {
  return checkReceiptHandleGiven(input.receipt_handle);
}

Result<Nothing> checkDeleteMessageBatchEntry(const DeleteMessageBatchRequestEntry& entry) {
  return checkReceiptHandleGiven(entry.receipt_handle);
}

Result<Nothing> checkChangeMessageVisibility(const ChangeMessageVisibilityInput& input) {
  return checkChange(input, "VisibilityTimeout must be an integer between 0 and 43200");
}

Result<Nothing> checkChangeMessageVisibilityBatchEntry(const ChangeMessageVisibilityBatchRequestEntry& entry) {
  return checkChange(entry, "VisibilityTimeout must be an integer between 0 and 43200.");
}

Result<Nothing> checkTotalVisibilityTimeout(std::int32_t visibility_timeout, persistence::DatabaseTime received_at,
                                            persistence::DatabaseTime now) {
  if (now - received_at + std::chrono::seconds(visibility_timeout) >
      std::chrono::seconds(kMaximumVisibilityTimeoutSeconds)) {
    return invalidValue(std::to_string(visibility_timeout), "VisibilityTimeout",
                        "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]");
  }
  return Nothing{};
}

Result<Nothing> checkBatch(const SendMessageBatchInput& input) {
  if (auto checked = checkEntries(input.entries, "SendMessageBatchRequestEntry"); !checked) return checked;
  std::size_t bytes = 0;
  for (const auto& entry : *input.entries) bytes += countedBytes(entry);
  if (bytes > kMaximumBatchBytes) {
    return Error{ErrorCode::BatchRequestTooLong, "Batch requests cannot be longer than " +
                                                     std::to_string(kMaximumBatchBytes) + " bytes. You have sent " +
                                                     std::to_string(bytes) + " bytes."};
  }
  return Nothing{};
}

Result<Nothing> checkBatch(const DeleteMessageBatchInput& input) {
  return checkEntries(input.entries, "DeleteMessageBatchRequestEntry");
}

Result<Nothing> checkBatch(const ChangeMessageVisibilityBatchInput& input) {
  return checkEntries(input.entries, "ChangeMessageVisibilityBatchRequestEntry");
}

Error messageNotAvailableForChange(const std::string& receipt_handle) {
  return invalidValue(receipt_handle, "ReceiptHandle",
                      "Message does not exist or is not available for visibility timeout change.");
}

std::optional<std::string> traceHeader(const MessageAttributeMap& message_system_attributes,
                                       const std::string& request_trace_header) {
  const auto given = message_system_attributes.find("AWSTraceHeader");
  if (given != message_system_attributes.end()) return given->second.string_value;
  if (canBeTraceHeader(request_trace_header)) return request_trace_header;
  return std::nullopt;
}

}  // namespace howdah::service
