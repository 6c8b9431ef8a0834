// Which structures api/codec/shapes.cpp describes.
#pragma once

#include "api/codec/shape.h"

namespace howdah::api {

template <>
const Structure& structureOf<service::MessageAttributeValue>();
template <>
const Structure& structureOf<service::CreateQueueInput>();
template <>
const Structure& structureOf<service::CreateQueueOutput>();
template <>
const Structure& structureOf<service::GetQueueUrlInput>();
template <>
const Structure& structureOf<service::GetQueueUrlOutput>();
template <>
const Structure& structureOf<service::ListQueuesInput>();
template <>
const Structure& structureOf<service::ListQueuesOutput>();
template <>
const Structure& structureOf<service::DeleteQueueInput>();
template <>
const Structure& structureOf<service::PurgeQueueInput>();
template <>
const Structure& structureOf<service::GetQueueAttributesInput>();
template <>
const Structure& structureOf<service::GetQueueAttributesOutput>();
template <>
const Structure& structureOf<service::SetQueueAttributesInput>();
template <>
const Structure& structureOf<service::TagQueueInput>();
template <>
const Structure& structureOf<service::UntagQueueInput>();
template <>
const Structure& structureOf<service::ListQueueTagsInput>();
template <>
const Structure& structureOf<service::ListQueueTagsOutput>();
template <>
const Structure& structureOf<service::AddPermissionInput>();
template <>
const Structure& structureOf<service::RemovePermissionInput>();
template <>
const Structure& structureOf<service::ListDeadLetterSourceQueuesInput>();
template <>
const Structure& structureOf<service::ListDeadLetterSourceQueuesOutput>();
template <>
const Structure& structureOf<service::StartMessageMoveTaskInput>();
template <>
const Structure& structureOf<service::StartMessageMoveTaskOutput>();
template <>
const Structure& structureOf<service::CancelMessageMoveTaskInput>();
template <>
const Structure& structureOf<service::CancelMessageMoveTaskOutput>();
template <>
const Structure& structureOf<service::ListMessageMoveTasksInput>();
template <>
const Structure& structureOf<service::ListMessageMoveTasksResultEntry>();
template <>
const Structure& structureOf<service::ListMessageMoveTasksOutput>();
template <>
const Structure& structureOf<service::SendMessageInput>();
template <>
const Structure& structureOf<service::SendMessageOutput>();
template <>
const Structure& structureOf<service::SendMessageBatchRequestEntry>();
template <>
const Structure& structureOf<service::SendMessageBatchInput>();
template <>
const Structure& structureOf<service::SendMessageBatchResultEntry>();
template <>
const Structure& structureOf<service::BatchResultErrorEntry>();
template <>
const Structure& structureOf<service::SendMessageBatchOutput>();
template <>
const Structure& structureOf<service::ReceiveMessageInput>();
template <>
const Structure& structureOf<service::Message>();
template <>
const Structure& structureOf<service::ReceiveMessageOutput>();
template <>
const Structure& structureOf<service::DeleteMessageInput>();
template <>
const Structure& structureOf<service::DeleteMessageBatchRequestEntry>();
template <>
const Structure& structureOf<service::DeleteMessageBatchInput>();
template <>
const Structure& structureOf<service::DeleteMessageBatchResultEntry>();
template <>
const Structure& structureOf<service::DeleteMessageBatchOutput>();
template <>
const Structure& structureOf<service::ChangeMessageVisibilityInput>();
template <>
const Structure& structureOf<service::ChangeMessageVisibilityBatchRequestEntry>();
template <>
const Structure& structureOf<service::ChangeMessageVisibilityBatchInput>();
template <>
const Structure& structureOf<service::ChangeMessageVisibilityBatchResultEntry>();
template <>
const Structure& structureOf<service::ChangeMessageVisibilityBatchOutput>();

}  // namespace howdah::api
