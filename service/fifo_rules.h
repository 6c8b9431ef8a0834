// Message groups and deduplication: which ids are allowed, what stands in for an id, what the deduplication window
// compares, and how a place in the order is told. No clock, no store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace howdah::service {

// The names of FIFO queues end like this, and no others do.
inline constexpr std::string_view kFifoSuffix = ".fifo";
inline bool isFifoQueueName(std::string_view name) { return name.ends_with(kFifoSuffix); }

// MessageGroupId, MessageDeduplicationId and ReceiveRequestAttemptId: 1 to 128 letters, digits and punctuation of
// ASCII.
bool isGroupOrDeduplicationId(std::string_view id);

// The id that was given, else the SHA-256 of the body in hex.
std::string deduplicationId(const std::optional<std::string>& given, std::string_view body);

// What the window compares: equal for duplicates, 16 bytes. `by_group`: the same id in another group is another
// message.
std::string deduplicationKey(bool by_group, std::string_view group_id, std::string_view deduplication_id);

// 20 digits, so that clients may compare them as strings.
std::string sequenceNumber(std::int64_t sequence);

}  // namespace howdah::service
