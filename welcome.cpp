#include "welcome.h"

#include <fmt/format.h>

namespace howdah {

std::string welcome(const std::string& api, const std::string& admin) {
  return fmt::format(R"(
Howdah is ready: SQS on http://{0}, health and metrics on http://{1}. Ctrl-C stops it.

Python, with boto3:
  import boto3
  sqs = boto3.client("sqs", "us-east-1", endpoint_url="http://{0}", aws_access_key_id="x", aws_secret_access_key="x")
  url = sqs.create_queue(QueueName="try")["QueueUrl"]
  sqs.send_message(QueueUrl=url, MessageBody="hello")
  print(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"][0]["Body"])

The AWS CLI, of November 2023 or newer:
  aws --endpoint-url http://{0} --region us-east-1 --no-sign-request sqs create-queue --queue-name try
  aws --endpoint-url http://{0} --region us-east-1 --no-sign-request sqs send-message --queue-url http://{0}/000000000000/try --message-body hello

curl:
  curl -s http://{0}/ -H 'X-Amz-Target: AmazonSQS.ReceiveMessage' -H 'Content-Type: application/x-amz-json-1.0' -d '{{"QueueUrl": "http://{0}/000000000000/try"}}'

)",
                     api, admin);
}

}  // namespace howdah
