#include "api/error_table.h"

#include <gtest/gtest.h>

#include <set>

namespace howdah::api {
namespace {

using service::ErrorCode;

TEST(ErrorTable, EachCodeHasItsOwnShapeCodeStatusAndText) {
  std::set<std::string_view> shapes, query_codes;
  for (int i = 0; i < static_cast<int>(ErrorCode::kCount); ++i) {
    const ErrorRow& row = errorRow(static_cast<ErrorCode>(i));
    SCOPED_TRACE(row.shape);
    EXPECT_EQ(row.code, static_cast<ErrorCode>(i));
    EXPECT_TRUE(shapes.insert(row.shape).second);
    EXPECT_TRUE(query_codes.insert(row.query_code).second);
    EXPECT_TRUE(row.shape_namespace == "com.amazonaws.sqs#" || row.shape_namespace == "com.amazon.coral.service#");
    EXPECT_TRUE(row.status >= 400 && row.status < 600);
    EXPECT_FALSE(row.default_text.empty());
  }
}

TEST(ErrorTable, SaysWhatSqsSays) {
  struct Case {
    ErrorCode code;
    std::string_view shape;
    std::string_view query_code;
    int status;
    std::string_view fault;
  };
  const Case cases[] = {
      {ErrorCode::QueueDoesNotExist, "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", 400, "Sender"},
      {ErrorCode::QueueNameExists, "QueueNameExists", "QueueAlreadyExists", 400, "Sender"},
      {ErrorCode::PurgeQueueInProgress, "PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress", 403,
       "Sender"},
      {ErrorCode::ReceiptHandleIsInvalid, "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", 404, "Sender"},
      {ErrorCode::OverLimit, "OverLimit", "OverLimit", 403, "Sender"},
      {ErrorCode::KmsThrottled, "KmsThrottled", "KMS.ThrottlingException", 400, "Sender"},
      {ErrorCode::InvalidParameterValueException, "InvalidParameterValueException", "InvalidParameterValue", 400,
       "Sender"},
      {ErrorCode::MissingRequiredParameterException, "MissingRequiredParameterException", "MissingParameter", 400,
       "Sender"},
      {ErrorCode::SerializationException, "SerializationException", "MalformedInput", 400, "Sender"},
      {ErrorCode::UnknownOperationException, "UnknownOperationException", "InvalidAction", 400, "Sender"},
      {ErrorCode::AccessDeniedException, "AccessDeniedException", "AccessDenied", 403, "Sender"},
      {ErrorCode::InternalFailure, "InternalFailure", "InternalFailure", 500, "Receiver"},
      {ErrorCode::ServiceUnavailable, "ServiceUnavailable", "ServiceUnavailable", 503, "Receiver"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.shape);
    const ErrorRow& row = errorRow(c.code);
    EXPECT_EQ(row.shape, c.shape);
    EXPECT_EQ(row.query_code, c.query_code);
    EXPECT_EQ(row.status, c.status);
    EXPECT_EQ(row.fault(), c.fault);
  }
}

}  // namespace
}  // namespace howdah::api
