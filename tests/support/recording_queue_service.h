// A QueueService that keeps what it was asked and answers what the test says: the facade seen from api.
#pragma once

#include <any>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "service/queue_service.h"

namespace howdah::testing {

class RecordingQueueService : public service::QueueService {
 public:
  struct Call {
    std::string method;
    service::RequestContext context;
    std::any input;
  };

  std::vector<Call> calls;
  std::vector<service::ReceiveMessageOutput> returned;
  // An Output or an Error, for the next calls; without it an output of default values.
  std::any answer;
  std::function<void()> before_answer;
  // Instead of answering, the Done of ReceiveMessage is kept here.
  bool park = false;
  service::Done<service::ReceiveMessageOutput> parked;

  template <class Input>
  const Input& input() const {
    return std::any_cast<const Input&>(calls.back().input);
  }

#define HOWDAH_RECORD(method, Name, Output)                                                                   \
  void method(const service::RequestContext& context, service::Name##Input input, service::Done<Output> done) \
      override {                                                                                              \
    record<Output>(#method, context, std::move(input), std::move(done));                                      \
  }
  HOWDAH_RECORD(createQueue, CreateQueue, service::CreateQueueOutput)
  HOWDAH_RECORD(getQueueUrl, GetQueueUrl, service::GetQueueUrlOutput)
  HOWDAH_RECORD(listQueues, ListQueues, service::ListQueuesOutput)
  HOWDAH_RECORD(deleteQueue, DeleteQueue, service::Nothing)
  HOWDAH_RECORD(purgeQueue, PurgeQueue, service::Nothing)
  HOWDAH_RECORD(getQueueAttributes, GetQueueAttributes, service::GetQueueAttributesOutput)
  HOWDAH_RECORD(setQueueAttributes, SetQueueAttributes, service::Nothing)
  HOWDAH_RECORD(tagQueue, TagQueue, service::Nothing)
  HOWDAH_RECORD(untagQueue, UntagQueue, service::Nothing)
  HOWDAH_RECORD(listQueueTags, ListQueueTags, service::ListQueueTagsOutput)
  HOWDAH_RECORD(addPermission, AddPermission, service::Nothing)
  HOWDAH_RECORD(removePermission, RemovePermission, service::Nothing)
  HOWDAH_RECORD(listDeadLetterSourceQueues, ListDeadLetterSourceQueues, service::ListDeadLetterSourceQueuesOutput)
  HOWDAH_RECORD(startMessageMoveTask, StartMessageMoveTask, service::StartMessageMoveTaskOutput)
  HOWDAH_RECORD(cancelMessageMoveTask, CancelMessageMoveTask, service::CancelMessageMoveTaskOutput)
  HOWDAH_RECORD(listMessageMoveTasks, ListMessageMoveTasks, service::ListMessageMoveTasksOutput)
  HOWDAH_RECORD(sendMessage, SendMessage, service::SendMessageOutput)
  HOWDAH_RECORD(sendMessageBatch, SendMessageBatch, service::SendMessageBatchOutput)
  HOWDAH_RECORD(deleteMessage, DeleteMessage, service::Nothing)
  HOWDAH_RECORD(deleteMessageBatch, DeleteMessageBatch, service::DeleteMessageBatchOutput)
  HOWDAH_RECORD(changeMessageVisibility, ChangeMessageVisibility, service::Nothing)
  HOWDAH_RECORD(changeMessageVisibilityBatch, ChangeMessageVisibilityBatch, service::ChangeMessageVisibilityBatchOutput)
#undef HOWDAH_RECORD

  void receiveMessage(const service::RequestContext& context, service::ReceiveMessageInput input,
                      service::Done<service::ReceiveMessageOutput> done) override {
    if (park) {
      calls.push_back({"receiveMessage", context, std::move(input)});
      parked = std::move(done);
      return;
    }
    record<service::ReceiveMessageOutput>("receiveMessage", context, std::move(input), std::move(done));
  }

  void returnUndelivered(const service::RequestContext&, const service::ReceiveMessageOutput& output) override {
    returned.push_back(output);
  }

 private:
  template <class Output, class Input>
  void record(std::string method, const service::RequestContext& context, Input input, service::Done<Output> done) {
    calls.push_back({std::move(method), context, std::move(input)});
    if (before_answer) before_answer();
    if (const auto* error = std::any_cast<service::Error>(&answer)) return done(*error);
    if (const auto* output = std::any_cast<Output>(&answer)) return done(*output);
    done(Output{});
  }
};

}  // namespace howdah::testing
