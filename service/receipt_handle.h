// Receipt handles: one delivery of one message, authenticated, so that a forged or foreign handle is told from an old
// one. Opaque and deterministic; base64url of version, queue incarnation, lane, sequence, receive count, receive time,
// first bytes of the message id, and a MAC that covers the queue's account and name as well: handles from before a
// purge stay authentic, another queue's do not.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "persistence/records.h"
#include "service/error.h"

namespace howdah::service {

struct DecodedHandle {
  persistence::DeliveryKey delivery;
  persistence::DatabaseTime received_at;
};

// Any thread.
class ReceiptHandles {
 public:
  explicit ReceiptHandles(std::string key);

  std::string encode(const persistence::QueueName& queue_name, const persistence::DeliveredMessage& message) const;

  // Nothing if it is no handle of this queue: garbage, forged, another queue's.
  std::optional<DecodedHandle> decode(const persistence::QueueName& queue_name, std::string_view handle) const;

 private:
  std::string key_;
};

// What the client is told when decode() finds nothing.
Error receiptHandleIsInvalid(std::string_view handle);

}  // namespace howdah::service
