// What the store keeps and gives back, in SQS's words and PostgreSQL's types. Plain values; no rules.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace howdah::persistence {

// A moment by the database's clock (the only clock that message times are taken from).
using DatabaseTime = std::chrono::sys_time<std::chrono::microseconds>;

// An incarnation of a queue: a random number, new after each purge, never given out twice. Rows of messages carry it.
using QueueId = std::int64_t;

struct QueueName {
  std::string account;
  std::string name;
  auto operator<=>(const QueueName&) const = default;
};

using StringMap = std::map<std::string, std::string>;

struct QueueRecord {
  QueueName queue_name;
  QueueId queue_id = 0;
  std::int64_t version = 0;  // grows with each change of attributes or incarnation
  StringMap attributes;      // only what was set, by wire name; defaults are service/queue_attributes' business
  StringMap tags;
  DatabaseTime created_at;
  DatabaseTime modified_at;
};

using MessageId = std::array<unsigned char, 16>;  // a UUID

// Where a message lies. Standard queues: lane 0 is the aside lane (delayed, moved in, enqueued by SQL), lanes above are
// read by cursor. FIFO queues: the lane is a hash of the message group.
struct MessageKey {
  QueueId queue_id = 0;
  std::int64_t lane = 0;
  std::int64_t seq = 0;
  auto operator<=>(const MessageKey&) const = default;
};

// A message as it was accepted.
struct NewMessage {
  QueueId queue_id = 0;
  std::int64_t queue_version = 0;  // the version of the queue that the request was checked against
  std::int32_t delay_seconds = 0;
  MessageId message_id{};
  std::string body;                // UTF-8
  std::string message_attributes;  // as service/message_digest encodes them; empty: none
  std::string sender_id;
  std::optional<std::string> trace_header;
  std::optional<std::string> message_group_id;
};

// A message as it was handed out. Naming this delivery takes key, receive_count and the first bytes of message_id.
struct DeliveredMessage {
  MessageKey key;
  MessageId message_id{};
  std::string body;
  std::string message_attributes;
  std::string sender_id;
  std::optional<std::string> trace_header;
  std::optional<std::string> message_group_id;
  std::optional<std::string> message_deduplication_id;  // FIFO queues only
  std::optional<std::string> source_queue;              // the name of the queue it came from as a dead letter
  DatabaseTime sent_at;
  DatabaseTime received_at;
  DatabaseTime first_received_at;
  std::int32_t receive_count = 0;
};

// One delivery of one message, as a receipt handle names it.
struct DeliveryKey {
  MessageKey key;
  std::int32_t receive_count = 0;
  std::array<unsigned char, 4> message_id_prefix{};
};

// A queue's redrive policy, as a receive applies it: a message received `max_receive_count` times already goes to
// `target`.
struct Redrive {
  std::int32_t max_receive_count = 0;
  QueueName target;
  std::string source;  // the name of the queue itself
  auto operator<=>(const Redrive&) const = default;
};

// What a receive did beside handing out messages.
struct Removals {
  QueueId dead_letter_queue_id = 0;  // where the dead letters went
  std::int64_t dead_lettered = 0;
  std::int64_t expired = 0;  // older than the queue's retention
};

struct MessageCounts {
  std::int64_t visible = 0;
  std::int64_t in_flight = 0;
  std::int64_t delayed = 0;
  bool operator==(const MessageCounts&) const = default;
};

}  // namespace howdah::persistence
