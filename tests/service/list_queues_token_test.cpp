#include "service/list_queues_token.h"

#include <string>

#include <gtest/gtest.h>

#include "service/base64url.h"

namespace howdah::service {
namespace {

TEST(ListQueuesToken, TellsWhereTheNextPageStarts) {
  for (const char* prefix : {"", "ord", "a/b"}) {
    const auto last = readListQueuesToken(prefix, makeListQueuesToken(prefix, "orders.fifo"));
    ASSERT_TRUE(last.ok()) << prefix;
    EXPECT_EQ(*last, "orders.fifo");
  }
}

TEST(ListQueuesToken, BelongsToItsPrefix) {
  const auto refused = readListQueuesToken("or", makeListQueuesToken("ord", "orders"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::InvalidParameterValueException);
  EXPECT_EQ(refused.error().message,
            "Invalid NextToken value. If you are passing in NextToken, you must not change the other request "
            "parameters.");
}

TEST(ListQueuesToken, GarbageIsRefused) {
  using namespace std::string_literals;
  for (const std::string& token :
       {""s, "x"s, "garbage!"s, std::string(10'240, 'A'), encodeBase64Url("\1orders"), encodeBase64Url("\2orders/"),
        encodeBase64Url("\1or\0ders/"s), encodeBase64Url("\1/"), encodeBase64Url("\1\xff/"), encodeBase64Url("/")}) {
    const auto refused = readListQueuesToken("", token);
    ASSERT_FALSE(refused.ok()) << token;
    EXPECT_EQ(refused.error().message, "Invalid NextToken value.");
  }
}

}  // namespace
}  // namespace howdah::service
