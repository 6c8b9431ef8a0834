// Which attributes of a message ReceiveMessage hands out: system attributes and user attributes chosen by name.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "persistence/records.h"
#include "service/operations.h"
#include "service/result.h"

namespace howdah::service {

// System attributes asked for, AttributeNames and MessageSystemAttributeNames taken together.
Result<std::set<std::string>> selectSystemAttributes(const ReceiveMessageInput& input);

// The values of those that the message has. `account` and `region` are its queue's.
AttributeMap showSystemAttributes(const std::set<std::string>& selected, const persistence::DeliveredMessage& message,
                                  const std::string& account, std::string_view region);

// User attributes asked for: `All`, `.*` and `*` mean all, `foo.*` those that start with `foo`.
class MessageAttributeSelection {
 public:
  explicit MessageAttributeSelection(const std::optional<std::vector<std::string>>& names);
  bool includes(std::string_view name) const;

 private:
  bool all_ = false;
  std::set<std::string, std::less<>> names_;
  std::set<std::string, std::less<>> prefixes_;
};

// Sets `message_attributes` and their digest, which covers what is handed out only, from the stored encoding.
void showMessageAttributes(const MessageAttributeSelection& selection, std::string_view encoded, Message& message);

}  // namespace howdah::service
