#include "commands/welcome.h"

#include <fmt/format.h>

namespace howdah {

std::string welcome(const std::string& api, const std::string& admin, bool tls) {
  return fmt::format(R"(
Howdah is ready: SQS on {2}://{0}, health and metrics on {2}://{1}. Ctrl-C stops it.

Python, with boto3:
  import boto3
  sqs = boto3.client("sqs", "us-east-1", endpoint_url="{2}://{0}", aws_access_key_id="x", aws_secret_access_key="x")
  url = sqs.create_queue(QueueName="try")["QueueUrl"]
  sqs.send_message(QueueUrl=url, MessageBody="hello")
  print(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"][0]["Body"])

The AWS CLI, of November 2023 or newer:
  aws --endpoint-url {2}://{0} --region us-east-1 --no-sign-request sqs create-queue --queue-name try
  aws --endpoint-url {2}://{0} --region us-east-1 --no-sign-request sqs send-message --queue-url {2}://{0}/000000000000/try --message-body hello

curl:
  curl -s {2}://{0}/ -H 'X-Amz-Target: AmazonSQS.ReceiveMessage' -H 'Content-Type: application/x-amz-json-1.0' -d '{{"QueueUrl": "{2}://{0}/000000000000/try"}}'

)",
                     api, admin, tls ? "https" : "http");
}

}  // namespace howdah
