// The facade of the service: one method an SQS action. What api calls, and what tests call without HTTP.
//
// Every method returns at once and reports through `done`, exactly once, on some thread, with no lock held; `done` must
// not block. Client mistakes are Errors; a failing database is ServiceUnavailable, a bug InternalFailure.
//
// Lock order: ReceiveWaiters, QueueCache, Outstanding, WorkerPool and each Coalescer have one mutex each; none is held
// while another is taken, while the store is called or while `done` runs.
#pragma once

#include "service/caller.h"
#include "service/operations.h"
#include "service/result.h"

namespace howdah::service {

class QueueService {
 public:
  virtual ~QueueService() = default;

  virtual void createQueue(const RequestContext&, CreateQueueInput, Done<CreateQueueOutput>) = 0;
  virtual void getQueueUrl(const RequestContext&, GetQueueUrlInput, Done<GetQueueUrlOutput>) = 0;
  virtual void listQueues(const RequestContext&, ListQueuesInput, Done<ListQueuesOutput>) = 0;
  virtual void deleteQueue(const RequestContext&, DeleteQueueInput, Done<Nothing>) = 0;
  virtual void purgeQueue(const RequestContext&, PurgeQueueInput, Done<Nothing>) = 0;
  virtual void getQueueAttributes(const RequestContext&, GetQueueAttributesInput, Done<GetQueueAttributesOutput>) = 0;
  virtual void setQueueAttributes(const RequestContext&, SetQueueAttributesInput, Done<Nothing>) = 0;
  virtual void tagQueue(const RequestContext&, TagQueueInput, Done<Nothing>) = 0;
  virtual void untagQueue(const RequestContext&, UntagQueueInput, Done<Nothing>) = 0;
  virtual void listQueueTags(const RequestContext&, ListQueueTagsInput, Done<ListQueueTagsOutput>) = 0;
  virtual void addPermission(const RequestContext&, AddPermissionInput, Done<Nothing>) = 0;
  virtual void removePermission(const RequestContext&, RemovePermissionInput, Done<Nothing>) = 0;
  virtual void listDeadLetterSourceQueues(const RequestContext&, ListDeadLetterSourceQueuesInput,
                                          Done<ListDeadLetterSourceQueuesOutput>) = 0;
  virtual void startMessageMoveTask(const RequestContext&, StartMessageMoveTaskInput,
                                    Done<StartMessageMoveTaskOutput>) = 0;
  virtual void cancelMessageMoveTask(const RequestContext&, CancelMessageMoveTaskInput,
                                     Done<CancelMessageMoveTaskOutput>) = 0;
  virtual void listMessageMoveTasks(const RequestContext&, ListMessageMoveTasksInput,
                                    Done<ListMessageMoveTasksOutput>) = 0;
  virtual void sendMessage(const RequestContext&, SendMessageInput, Done<SendMessageOutput>) = 0;
  virtual void sendMessageBatch(const RequestContext&, SendMessageBatchInput, Done<SendMessageBatchOutput>) = 0;
  // Parks while the queue is empty, for as long as asked; ends early and empty when the client goes or the server
  // drains.
  virtual void receiveMessage(const RequestContext&, ReceiveMessageInput, Done<ReceiveMessageOutput>) = 0;
  virtual void deleteMessage(const RequestContext&, DeleteMessageInput, Done<Nothing>) = 0;
  virtual void deleteMessageBatch(const RequestContext&, DeleteMessageBatchInput, Done<DeleteMessageBatchOutput>) = 0;
  virtual void changeMessageVisibility(const RequestContext&, ChangeMessageVisibilityInput, Done<Nothing>) = 0;
  virtual void changeMessageVisibilityBatch(const RequestContext&, ChangeMessageVisibilityBatchInput,
                                            Done<ChangeMessageVisibilityBatchOutput>) = 0;

  // What ReceiveMessage answered did not reach its client: makes those messages visible again at once, unless they were
  // received again meanwhile. Best effort: otherwise their visibility timeout does the same.
  virtual void returnUndelivered(const RequestContext&, const ReceiveMessageOutput&) = 0;
};

}  // namespace howdah::service
