// CreateQueue, GetQueueUrl, ListQueues, DeleteQueue, PurgeQueue, GetQueueAttributes, SetQueueAttributes,
// TagQueue, UntagQueue, ListQueueTags, ListDeadLetterSourceQueues. These are rare and read the store, never the cache:
// what one process has done, the next request sees in every process.
#include "service/fifo_rules.h"
#include "service/limits.h"
#include "service/list_queues_token.h"
#include "service/sqs_service.h"
#include "service/validation.h"

namespace howdah::service {

using persistence::QueueName;
using persistence::QueueRecord;
using persistence::QueueStore;
using persistence::StringMap;

namespace {

QueueRef refOf(const QueueName& queue_name) { return QueueRef{queue_name.account, queue_name.name}; }

Error queueDoesNotExist() { return Error{ErrorCode::QueueDoesNotExist, {}}; }

Result<Nothing> mayActOnAccount(const RequestContext& context, const std::string& queue, std::string_view action = {}) {
  if (!context.permissions) return Nothing{};
  // What is no name is in no policy, and is refused as such if the account is allowed at all.
  return context.permissions->mayAct(context.caller.account, isQueueName(queue) ? queue : "", "", action);
}

Result<Nothing> checkPolicy(const RequestContext& context, const persistence::StringMap& attributes) {
  const auto policy = attributes.find("Policy");
  if (!context.permissions || policy == attributes.end() || policy->second.empty()) return Nothing{};
  return context.permissions->checkPolicy(policy->second);
}

}  // namespace

void SqsService::createQueue(const RequestContext& context, CreateQueueInput input, Done<CreateQueueOutput> done) {
  const std::string name = input.queue_name.value_or("");
  if (auto allowed = mayActOnAccount(context, name); !allowed) return done(allowed.error());
  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html, tags
  if (input.tags && !input.tags->empty()) {
    if (auto allowed = mayActOnAccount(context, name, "TagQueue"); !allowed) return done(allowed.error());
  }
  if (auto checked = checkNewQueueName(input); !checked) return done(checked.error());
  auto given = checkAttributesOfNewQueue(input.attributes.value_or(AttributeMap{}));
  if (!given) return done(given.error());
  if (auto checked = checkPolicy(context, *given); !checked) return done(checked.error());
  const TagMap tags = input.tags.value_or(TagMap{});
  if (auto checked = checkTags(*input.queue_name, tags); !checked) return done(checked.error());

  const QueueName queue_name{context.caller.account, *input.queue_name};
  onWorker<CreateQueueOutput>(
      "create_queue", std::move(done),
      [this, context, queue_name, tags, given = std::move(*given)]() -> Result<CreateQueueOutput> {
        StringMap attributes = given;
        if (auto resolved = resolveRedrivePolicy(context, queue_name, attributes); !resolved) return resolved.error();
        const auto created = queue_store_.createQueue(queue_name, applyAttributes({}, attributes), tags,
                                                      options_.queue_name_reuse_delay);
        if (std::holds_alternative<QueueStore::DeletedRecently>(created)) {
          return Error{ErrorCode::QueueDeletedRecently,
                       "You must wait 60 seconds after deleting a queue before you can create another with the same "
                       "name."};
        }
        if (const auto* existing = std::get_if<QueueStore::AlreadyExists>(&created)) {
          if (auto differing = firstDifferingAttribute(existing->queue.attributes, attributes)) {
            return Error{ErrorCode::QueueNameExists,
                         "A queue already exists with the same name and a different value for attribute " + *differing};
          }
        } else {
          queues_.forget(queue_name);
          recorder_.queueCreated();
        }
        return CreateQueueOutput{refOf(queue_name)};
      });
}

void SqsService::getQueueUrl(const RequestContext& context, GetQueueUrlInput input, Done<GetQueueUrlOutput> done) {
  if (auto checked = checkGetQueueUrl(input); !checked) return done(checked.error());
  const QueueName queue_name =
      queueName(context, QueueRef{input.queue_owner_aws_account_id.value_or(""), *input.queue_name});
  if (!isQueueName(queue_name)) return done(queueDoesNotExist());
  onWorker<GetQueueUrlOutput>("find_queue", std::move(done),
                              [=, this, permissions = context.permissions]() -> Result<GetQueueUrlOutput> {
                                const auto queue = queue_store_.findQueue(queue_name);
                                if (!queue) return queueDoesNotExist();
                                if (auto allowed = mayAct(permissions, *queue); !allowed) return allowed.error();
                                return GetQueueUrlOutput{refOf(queue_name)};
                              });
}

void SqsService::listQueues(const RequestContext& context, ListQueuesInput input, Done<ListQueuesOutput> done) {
  if (auto allowed = mayActOnAccount(context, ""); !allowed) return done(allowed.error());
  if (auto checked = checkListQueues(input); !checked) return done(checked.error());
  const std::string prefix = input.queue_name_prefix.value_or("");
  std::string after;
  if (input.next_token && !input.next_token->empty()) {
    auto read = readListQueuesToken(prefix, *input.next_token);
    if (!read) return done(read.error());
    after = std::move(*read);
  }
  onWorker<ListQueuesOutput>("list_queues", std::move(done),
                             [this, prefix, after, account = context.caller.account,
                              max_results = input.max_results]() -> Result<ListQueuesOutput> {
                               const auto limit = static_cast<std::size_t>(max_results.value_or(kMaximumListResults));
                               auto names =
                                   queue_store_.listQueues(account, prefix, after, static_cast<int>(limit) + 1);
                               ListQueuesOutput output;
                               if (names.size() > limit) {
                                 names.resize(limit);
                                 if (max_results) output.next_token = makeListQueuesToken(prefix, names.back());
                               }
                               for (auto& name : names) output.queue_urls.push_back(QueueRef{account, std::move(name)});
                               return output;
                             });
}

void SqsService::deleteQueue(const RequestContext& context, DeleteQueueInput input, Done<Nothing> done) {
  const QueueName queue_name = queueName(context, input.queue_url);
  if (!isQueueName(queue_name)) return done(queueDoesNotExist());
  onWorker<Nothing>("delete_queue", std::move(done), [=, this, permissions = context.permissions]() -> Result<Nothing> {
    const auto queue = queue_store_.findQueue(queue_name);
    if (!queue) return queueDoesNotExist();
    if (auto allowed = mayAct(permissions, *queue); !allowed) return allowed.error();
    if (!queue_store_.deleteQueue(queue_name)) return queueDoesNotExist();
    incarnationEnded(*queue);
    recorder_.queueDeleted(queue_name.account, queue_name.name);
    return Nothing{};
  });
}

void SqsService::purgeQueue(const RequestContext& context, PurgeQueueInput input, Done<Nothing> done) {
  const QueueName queue_name = queueName(context, input.queue_url);
  if (!isQueueName(queue_name)) return done(queueDoesNotExist());
  onWorker<Nothing>("purge_queue", std::move(done), [=, this, permissions = context.permissions]() -> Result<Nothing> {
    const auto queue = queue_store_.findQueue(queue_name);
    if (!queue) return queueDoesNotExist();
    if (auto allowed = mayAct(permissions, *queue); !allowed) return allowed.error();
    const auto purged = queue_store_.purgeQueue(queue_name, options_.purge_interval);
    if (std::holds_alternative<QueueStore::NotFound>(purged)) return queueDoesNotExist();
    if (std::holds_alternative<QueueStore::PurgeInProgress>(purged)) {
      return Error{ErrorCode::PurgeQueueInProgress,
                   "Only one PurgeQueue operation on " + queue_name.name + " is allowed every 60 seconds."};
    }
    incarnationEnded(*queue);
    recorder_.queuePurged();
    return Nothing{};
  });
}

void SqsService::getQueueAttributes(const RequestContext& context, GetQueueAttributesInput input,
                                    Done<GetQueueAttributesOutput> done) {
  const QueueName queue_name = queueName(context, input.queue_url);
  if (!isQueueName(queue_name)) return done(queueDoesNotExist());

  struct Found {
    QueueRecord queue;
    std::set<std::string> selected;
  };
  onWorker<Found>(
      "find_queue",
      [this, done, caller = weighed(context)](Result<Found> result) {
        if (!result) return done(result.error());
        auto found = std::make_shared<const Found>(std::move(*result));
        const auto show = [this, done, found](const persistence::MessageCounts& counts) {
          done(GetQueueAttributesOutput{showAttributes(found->selected, found->queue, options_.region, counts)});
        };
        if (!needCounts(found->selected)) return show({});
        counts_.submit({found->queue.queue_id, isFifoQueueName(found->queue.queue_name.name)}, {Nothing{}},
                       {1, 0, found->queue.queue_id, caller},
                       [done, show](const Result<std::vector<persistence::MessageCounts>>& counts) {
                         if (!counts) return done(counts.error());
                         show(counts->front());
                       });
      },
      [this, queue_name, permissions = context.permissions,
       names = std::move(input.attribute_names)]() -> Result<Found> {
        auto queue = queue_store_.findQueue(queue_name);
        if (!queue) return queueDoesNotExist();
        if (auto allowed = mayAct(permissions, *queue); !allowed) return allowed.error();
        auto selected = selectAttributes(names);
        if (!selected) return selected.error();
        return Found{std::move(*queue), std::move(*selected)};
      });
}

void SqsService::setQueueAttributes(const RequestContext& context, SetQueueAttributesInput input, Done<Nothing> done) {
  const QueueName queue_name = queueName(context, input.queue_url);
  if (!isQueueName(queue_name)) return done(queueDoesNotExist());
  onWorker<Nothing>("set_queue_attributes", std::move(done),
                    [this, context, queue_name, given = std::move(input.attributes)]() -> Result<Nothing> {
                      const auto queue =
                          changeAttributes(queue_name, [&](const QueueRecord& found) -> Result<StringMap> {
                            if (auto allowed = mayAct(context.permissions, found); !allowed) return allowed.error();
                            auto checked = checkAttributesToSet(found.attributes, given);
                            if (!checked) return checked;
                            if (auto policy = checkPolicy(context, *checked); !policy) return policy.error();
                            auto resolved = resolveRedrivePolicy(context, queue_name, *checked);
                            if (!resolved) return resolved.error();
                            return applyAttributes(found.attributes, *checked);
                          });
                      if (!queue) return queue.error();
                      // Even if it is the delay that the queue has: the one before may not have been applied.
                      if (isFifoQueueName(queue_name.name) && given->contains("DelaySeconds")) {
                        fifo_store_.applyDelay(queue->queue_id);
                        messagesArrived(queue->queue_id, 1);
                      }
                      return Nothing{};
                    });
}

Result<QueueRecord> SqsService::changeAttributes(const QueueName& queue_name,
                                                 const std::function<Result<StringMap>(const QueueRecord&)>& change) {
  for (int attempts = 0; attempts < kChangedAttempts; ++attempts) {
    const auto queue = queue_store_.findQueue(queue_name);
    if (!queue) return queueDoesNotExist();
    const auto attributes = change(*queue);
    if (!attributes) return attributes.error();
    auto replaced = queue_store_.replaceAttributes(queue_name, queue->queue_id, queue->version, *attributes);
    if (std::holds_alternative<QueueStore::VersionChanged>(replaced)) continue;
    if (std::holds_alternative<QueueStore::NotFound>(replaced)) return queueDoesNotExist();
    queues_.forget(queue_name);
    return std::get<QueueRecord>(std::move(replaced));
  }
  return serviceUnavailable();
}

Result<Nothing> SqsService::resolveRedrivePolicy(const RequestContext& context, const QueueName& source,
                                                 StringMap& checked) {
  const auto given = checked.find("RedrivePolicy");
  if (given == checked.end() || given->second.empty()) return Nothing{};
  const auto policy = checkRedrivePolicy(given->second);
  if (!policy) return policy.error();
  const QueueName target = queueName(context, QueueRef{policy->target.account, policy->target.resource});
  const bool here = !context.caller.accounts_matter || policy->target.region == options_.region;
  const auto found = here && isQueueName(target) ? queue_store_.findQueue(target) : std::nullopt;
  if (auto fits = checkDeadLetterTarget(given->second, options_.region, source, target, found); !fits) return fits;
  given->second = storedRedrivePolicy(options_.region, {target, policy->max_receive_count});
  return Nothing{};
}

void SqsService::tagQueue(const RequestContext& context, TagQueueInput input, Done<Nothing> done) {
  const QueueName queue_name = queueName(context, input.queue_url);
  changeTags(context, queue_name, std::move(done),
             [input = std::move(input)](const QueueRecord& queue) -> Result<TagMap> {
               if (auto checked = checkTagQueue(input); !checked) return checked.error();
               TagMap tags = *input.tags;
               tags.insert(queue.tags.begin(), queue.tags.end());  // those given stay
               if (auto checked = checkTags(queue.queue_name.name, tags); !checked) return checked.error();
               return tags;
             });
}

void SqsService::untagQueue(const RequestContext& context, UntagQueueInput input, Done<Nothing> done) {
  const QueueName queue_name = queueName(context, input.queue_url);
  changeTags(context, queue_name, std::move(done),
             [input = std::move(input)](const QueueRecord& queue) -> Result<TagMap> {
               if (auto checked = checkUntagQueue(input); !checked) return checked.error();
               TagMap tags = queue.tags;
               for (const std::string& key : *input.tag_keys) tags.erase(key);
               return tags;
             });
}

void SqsService::changeTags(const RequestContext& context, const QueueName& queue_name, Done<Nothing> done,
                            std::function<Result<TagMap>(const QueueRecord&)> change) {
  if (!isQueueName(queue_name)) return done(queueDoesNotExist());
  onWorker<Nothing>(
      "change_tags", std::move(done),
      [this, queue_name, permissions = context.permissions, change = std::move(change)]() -> Result<Nothing> {
        for (int attempts = 0; attempts < kChangedAttempts; ++attempts) {
          const auto queue = queue_store_.findQueue(queue_name);
          if (!queue) return queueDoesNotExist();
          if (auto allowed = mayAct(permissions, *queue); !allowed) return allowed.error();
          const auto tags = change(*queue);
          if (!tags) return tags.error();
          if (*tags == queue->tags) return Nothing{};
          const auto replaced = queue_store_.replaceTags(queue_name, queue->queue_id, queue->version, *tags);
          if (std::holds_alternative<QueueStore::VersionChanged>(replaced)) continue;
          if (std::holds_alternative<QueueStore::NotFound>(replaced)) return queueDoesNotExist();
          queues_.forget(queue_name);
          return Nothing{};
        }
        return serviceUnavailable();
      });
}

void SqsService::listQueueTags(const RequestContext& context, ListQueueTagsInput input,
                               Done<ListQueueTagsOutput> done) {
  const QueueName queue_name = queueName(context, input.queue_url);
  if (!isQueueName(queue_name)) return done(queueDoesNotExist());
  onWorker<ListQueueTagsOutput>("find_queue", std::move(done),
                                [=, this, permissions = context.permissions]() -> Result<ListQueueTagsOutput> {
                                  const auto queue = queue_store_.findQueue(queue_name);
                                  if (!queue) return queueDoesNotExist();
                                  if (auto allowed = mayAct(permissions, *queue); !allowed) return allowed.error();
                                  return ListQueueTagsOutput{queue->tags};
                                });
}

void SqsService::listDeadLetterSourceQueues(const RequestContext& context, ListDeadLetterSourceQueuesInput input,
                                            Done<ListDeadLetterSourceQueuesOutput> done) {
  const QueueName queue_name = queueName(context, input.queue_url);
  if (!isQueueName(queue_name)) return done(queueDoesNotExist());
  onWorker<ListDeadLetterSourceQueuesOutput>(
      "list_dead_letter_sources", std::move(done),
      [this, queue_name, permissions = context.permissions,
       input = std::move(input)]() -> Result<ListDeadLetterSourceQueuesOutput> {
        const auto queue = queue_store_.findQueue(queue_name);
        if (!queue) return queueDoesNotExist();
        if (auto allowed = mayAct(permissions, *queue); !allowed) return allowed.error();
        if (auto checked = checkListDeadLetterSourceQueues(input); !checked) return checked.error();
        const std::string prefix = "/" + queue_name.name;
        std::string after;
        if (input.next_token && !input.next_token->empty()) {
          auto read = readListQueuesToken(prefix, *input.next_token);
          if (!read) return read.error();
          after = std::move(*read);
        }
        const auto limit = static_cast<std::size_t>(input.max_results.value_or(kMaximumListResults));
        auto names = queue_store_.listDeadLetterSources(queue_name, after, static_cast<int>(limit) + 1);
        ListDeadLetterSourceQueuesOutput output;
        if (names.size() > limit) {
          names.resize(limit);
          if (input.max_results) output.next_token = makeListQueuesToken(prefix, names.back());
        }
        for (auto& name : names) output.queue_urls.push_back(QueueRef{queue_name.account, std::move(name)});
        return output;
      });
}

}  // namespace howdah::service
