#include "service/receipt_handle.h"

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "service/base64url.h"

namespace howdah::service {
namespace {

using persistence::DatabaseTime;
using persistence::DeliveredMessage;
using persistence::QueueName;

const std::string kKey(32, 'k');
const QueueName kQueue{"000000000000", "orders"};

DeliveredMessage delivery() {
  DeliveredMessage message;
  message.key = {.queue_id = -1234567890123456789, .lane = -7, .seq = 42'000'000'000};
  message.message_id = {0xde, 0xad, 0xbe, 0xef, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  message.receive_count = 3;
  message.received_at = DatabaseTime(std::chrono::microseconds(1'790'000'000'123'456));
  return message;
}

TEST(ReceiptHandle, NamesTheDeliveryItWasMadeFor) {
  const ReceiptHandles handles(kKey);
  const DeliveredMessage message = delivery();
  const auto decoded = handles.decode(kQueue, handles.encode(kQueue, message));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->delivery.key, message.key);
  EXPECT_EQ(decoded->delivery.receive_count, 3);
  EXPECT_EQ(decoded->delivery.message_id_prefix, (std::array<unsigned char, 4>{0xde, 0xad, 0xbe, 0xef}));
  EXPECT_EQ(decoded->received_at, message.received_at);
}

TEST(ReceiptHandle, KeepsTheExtremesOfEveryField) {
  const ReceiptHandles handles(kKey);
  DeliveredMessage message;
  message.key = {.queue_id = std::numeric_limits<std::int64_t>::min(),
                 .lane = std::numeric_limits<std::int64_t>::max(),
                 .seq = std::numeric_limits<std::int64_t>::max()};
  message.receive_count = std::numeric_limits<std::int32_t>::max();
  message.received_at = DatabaseTime(std::chrono::microseconds(-1));
  const auto decoded = handles.decode(kQueue, handles.encode(kQueue, message));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->delivery.key, message.key);
  EXPECT_EQ(decoded->delivery.receive_count, message.receive_count);
  EXPECT_EQ(decoded->received_at, message.received_at);
}

TEST(ReceiptHandle, IsDeterministicShortAndUrlSafe) {
  const std::string handle = ReceiptHandles(kKey).encode(kQueue, delivery());
  EXPECT_EQ(handle, ReceiptHandles(kKey).encode(kQueue, delivery()));
  EXPECT_LT(handle.size(), 200u);
  EXPECT_EQ(handle.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
            std::string::npos);
}

TEST(ReceiptHandle, DiffersForEachDelivery) {
  const ReceiptHandles handles(kKey);
  DeliveredMessage later = delivery();
  later.receive_count = 4;
  EXPECT_NE(handles.encode(kQueue, delivery()), handles.encode(kQueue, later));
}

TEST(ReceiptHandle, FromBeforeAPurgeIsStillAuthentic) {
  const ReceiptHandles handles(kKey);
  DeliveredMessage purged = delivery();
  purged.key.queue_id = 99;  // the incarnation before
  EXPECT_TRUE(handles.decode(kQueue, handles.encode(kQueue, purged)));
}

TEST(ReceiptHandle, OfAnotherQueueAccountOrKeyIsNoHandle) {
  const ReceiptHandles handles(kKey);
  const std::string handle = handles.encode(kQueue, delivery());
  EXPECT_FALSE(handles.decode({"000000000000", "orders2"}, handle));
  EXPECT_FALSE(handles.decode({"000000000001", "orders"}, handle));
  EXPECT_FALSE(handles.decode({"000000000000o", "rders"}, handle));
  EXPECT_FALSE(ReceiptHandles(std::string(32, 'K')).decode(kQueue, handle));
}

TEST(ReceiptHandle, WithAnyCharacterChangedIsNoHandle) {
  const ReceiptHandles handles(kKey);
  const std::string handle = handles.encode(kQueue, delivery());
  for (std::size_t i = 0; i < handle.size(); ++i) {
    for (int c = 0; c < 256; ++c) {
      std::string changed = handle;
      changed[i] = static_cast<char>(c);
      if (changed == handle) continue;
      ASSERT_FALSE(handles.decode(kQueue, changed)) << "position " << i << ", character " << c;
    }
  }
}

TEST(ReceiptHandle, WithAnyBitChangedIsNoHandle) {
  const ReceiptHandles handles(kKey);
  const std::string bytes = decodeBase64Url(handles.encode(kQueue, delivery())).value();
  for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
    std::string changed = bytes;
    changed[i / 8] = static_cast<char>(changed[i / 8] ^ (1 << (i % 8)));
    ASSERT_FALSE(handles.decode(kQueue, encodeBase64Url(changed))) << "bit " << i;
  }
}

TEST(ReceiptHandle, CutOffLengthenedOrGarbageIsNoHandle) {
  const ReceiptHandles handles(kKey);
  const std::string handle = handles.encode(kQueue, delivery());
  for (std::size_t length = 0; length < handle.size(); ++length) {
    ASSERT_FALSE(handles.decode(kQueue, std::string_view(handle).substr(0, length))) << length;
  }
  const std::string bytes = decodeBase64Url(handle).value();
  for (const std::string& garbage :
       {handle + "A", handle + "=", handle + "==", " " + handle, handle + "\n", handle + handle,
        std::string("not a handle"), std::string(10'240, 'A'), std::string(10'240, '\0'), std::string(10'240, '\xff'),
        std::string(handle.size(), '\0'), std::string(handle.size(), '='), encodeBase64Url(bytes + "x"),
        encodeBase64Url(std::string(bytes.size(), '\1'))}) {
    EXPECT_FALSE(handles.decode(kQueue, garbage)) << garbage.substr(0, 100);
  }
}

TEST(ReceiptHandle, RefusalEchoesTheHandle) {
  const Error error = receiptHandleIsInvalid("garbage");
  EXPECT_EQ(error.code, ErrorCode::ReceiptHandleIsInvalid);
  EXPECT_EQ(error.message, "The input receipt handle \"garbage\" is not a valid receipt handle.");
}

TEST(Base64Url, GivesBackEveryLength) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(decodeBase64Url(encodeBase64Url(bytes)), bytes);
    bytes += static_cast<char>(i * 37);
  }
  EXPECT_EQ(encodeBase64Url("\xfb\xff\xfe"), "-__-");
}

TEST(Base64Url, RefusesPaddingForeignDigitsAndUnusedBits) {
  for (const char* text : {"Zg==", "Zg=", "Z", "Zh", "+/8", "Z g", "Zm9vY"})
    EXPECT_FALSE(decodeBase64Url(text)) << text;
  EXPECT_EQ(decodeBase64Url("Zg"), "f");
}

}  // namespace
}  // namespace howdah::service
