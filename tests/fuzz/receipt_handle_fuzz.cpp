// A receipt handle, as a client may make one up, on the first line; then the queue's name; then the bytes of a delivery
// and a place in its handle.
#include "service/receipt_handle.h"

#include <algorithm>

#include "tests/fuzz/fuzzer.h"

namespace howdah::fuzz {
namespace {

void takeBytes(std::string_view& input, auto& value) {
  const std::size_t size = std::min(sizeof(value), input.size());
  std::copy_n(input.data(), size, reinterpret_cast<char*>(&value));
  input.remove_prefix(size);
}

void fuzzReceiptHandle(std::string_view text) {
  static const service::ReceiptHandles handles("the key of this fuzzer");
  const std::string_view made_up = takeLine(text);
  const persistence::QueueName queue{"000000000000", std::string(takeLine(text))};
  require(!handles.decode(queue, made_up), "a handle that was made up is none");

  persistence::DeliveredMessage message;
  std::int64_t received_at = 0;
  unsigned char place = 0;
  takeBytes(text, message.key.queue_id);
  takeBytes(text, message.key.lane);
  takeBytes(text, message.key.seq);
  takeBytes(text, message.receive_count);
  takeBytes(text, received_at);
  takeBytes(text, message.message_id);
  takeBytes(text, place);
  message.received_at = persistence::DatabaseTime(std::chrono::microseconds(received_at));

  std::string handle = handles.encode(queue, message);
  const auto decoded = handles.decode(queue, handle);
  require(decoded.has_value(), "a handle that was made can be read");
  require(decoded->delivery.key == message.key && decoded->delivery.receive_count == message.receive_count &&
              decoded->received_at == message.received_at &&
              std::equal(decoded->delivery.message_id_prefix.begin(), decoded->delivery.message_id_prefix.end(),
                         message.message_id.begin()),
          "a handle is read as the delivery it was made of");
  require(!handles.decode({queue.account, queue.name + "2"}, handle), "a handle is one queue's");
  require(!handles.decode({queue.account + "2", queue.name}, handle), "a handle is one account's");
  require(!handles.decode(queue, handle + "A"), "a handle does not go on");

  char& changed = handle[place % handle.size()];
  const char was = changed;
  for (int byte = 0; byte < 256; ++byte) {
    changed = static_cast<char>(byte);
    if (changed != was) require(!handles.decode(queue, handle), "a handle with one character changed is none");
  }
}

}  // namespace
}  // namespace howdah::fuzz

FUZZER(ReceiptHandleKeepsItsRules, "receipt_handle", howdah::fuzz::fuzzReceiptHandle)
