#include "service/queue_arn.h"

#include <gtest/gtest.h>

namespace howdah::service {
namespace {

TEST(QueueArn, RegionDecidesThePartition) {
  EXPECT_EQ(queueArn("us-east-1", {"000000000000", "orders"}), "arn:aws:sqs:us-east-1:000000000000:orders");
  EXPECT_EQ(queueArn("cn-north-1", {"123456789012", "q.fifo"}), "arn:aws-cn:sqs:cn-north-1:123456789012:q.fifo");
  EXPECT_EQ(queueArn("us-gov-west-1", {"1", "q"}), "arn:aws-us-gov:sqs:us-gov-west-1:1:q");
}

}  // namespace
}  // namespace howdah::service
