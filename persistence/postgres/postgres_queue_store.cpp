#include "persistence/postgres/postgres_queue_store.h"

#include <fmt/format.h>
#include <sys/random.h>

#include "persistence/store_error.h"

namespace howdah::persistence::postgres {

namespace {

// For how long a purge or deletion tries anew while an application's open transaction holds the queue. Each try keeps a
// connection for a quarter of a second (end_incarnation.sql).
constexpr std::chrono::seconds kLongestTries{2};

// The columns of a howdah.queue called `queue`, as queueRecord reads them from column `first` on.
std::string queueColumns(std::string_view queue) {
  return fmt::format(
      "{0}.account, {0}.name, {0}.queue_id, {0}.version, {0}.created_at, {0}.modified_at,"
      " ARRAY(SELECT key FROM jsonb_each_text({0}.attributes) ORDER BY key),"
      " ARRAY(SELECT value FROM jsonb_each_text({0}.attributes) ORDER BY key),"
      " ARRAY(SELECT key FROM jsonb_each_text({0}.tags) ORDER BY key),"
      " ARRAY(SELECT value FROM jsonb_each_text({0}.tags) ORDER BY key)",
      queue);
}

StringMap stringMap(const Row& row, int keys_column, int values_column) {
  const auto keys = row.textArray(keys_column);
  const auto values = row.textArray(values_column);
  StringMap map;
  for (std::size_t i = 0; i < keys.size(); ++i) map.emplace(keys.at(i).value(), values.at(i).value());
  return map;
}

QueueRecord queueRecord(const Row& row, int first) {
  QueueRecord record;
  record.queue_name = {std::string(row.text(first)), std::string(row.text(first + 1))};
  record.queue_id = row.int8(first + 2);
  record.version = row.int8(first + 3);
  record.created_at = row.timestamptz(first + 4);
  record.modified_at = row.timestamptz(first + 5);
  record.attributes = stringMap(row, first + 6, first + 7);
  record.tags = stringMap(row, first + 8, first + 9);
  return record;
}

std::string callReturningQueue(const std::string& function, std::string_view arguments) {
  return fmt::format("SELECT f.outcome, {} FROM {}({}) f", queueColumns("(f.result)"), function, arguments);
}

void addMap(Params& params, const StringMap& map) {
  params.textArray(map, &StringMap::value_type::first).textArray(map, &StringMap::value_type::second);
}

// Random and not counted: no wrap, and an id is never given out again after a failover that lost the latest.
QueueId newQueueId() {
  std::uint64_t id = 0;
  if (::getrandom(&id, sizeof id, 0) != sizeof id) throw StoreBug("no random numbers", "");
  return static_cast<QueueId>(id >> 1);
}

const Statement kFindQueue{
    "find_queue",
    fmt::format("SELECT {} FROM howdah.queue q WHERE q.account = $1 AND q.name = $2 AND q.deleted_at IS NULL",
                queueColumns("q"))};
// Everything that starts with a prefix lies between it and the prefix followed by the highest character.
const Statement kListQueues{"list_queues",
                            "SELECT q.name FROM howdah.queue q WHERE q.account = $1 AND q.name >= $2 "
                            "AND q.name < $2 || U&'\\+10FFFF' AND q.name > $3 AND q.deleted_at IS NULL "
                            "ORDER BY q.name LIMIT $4"};
// As the index queue_dead_letter_source has it.
const Statement kListDeadLetterSources{
    "list_dead_letter_sources",
    "SELECT q.name FROM howdah.queue q WHERE q.account = $1 "
    "AND split_part((q.attributes ->> 'RedrivePolicy')::jsonb ->> 'deadLetterTargetArn', ':', 6) = $2 AND q.name > $3 "
    "AND q.attributes ? 'RedrivePolicy' AND q.deleted_at IS NULL ORDER BY q.name LIMIT $4"};
const Statement kReceiptHandleKey{"receipt_handle_key",
                                  "SELECT value FROM howdah.secret WHERE name = 'receipt_handle_key'"};
constexpr std::size_t kKeyBytes = 32;

}  // namespace

PostgresQueueStore::PostgresQueueStore(ConnectionPool& pool, const InstalledFunctions& functions)
    : pool_(pool),
      create_queue_{"create_queue", callReturningQueue(functions.name("create_queue"),
                                                       "$1, $2, $3, jsonb_object($4, $5), jsonb_object($6, $7), $8")},
      replace_attributes_{"replace_attributes", callReturningQueue(functions.name("replace_attributes"),
                                                                   "$1, $2, $3, $4, jsonb_object($5, $6)")},
      replace_tags_{"replace_tags",
                    callReturningQueue(functions.name("replace_tags"), "$1, $2, $3, $4, jsonb_object($5, $6)")},
      end_incarnation_{"end_incarnation", callReturningQueue(functions.name("end_incarnation"), "$1, $2, $3, $4")} {}

std::variant<QueueStore::Created, QueueStore::AlreadyExists, QueueStore::DeletedRecently>
PostgresQueueStore::createQueue(const QueueName& queue_name, const StringMap& attributes, const StringMap& tags,
                                std::chrono::seconds name_reuse_delay) {
  Params params;
  params.text(queue_name.account).text(queue_name.name).int8(newQueueId());
  addMap(params, attributes);
  addMap(params, tags);
  params.int8(name_reuse_delay.count());
  const Rows rows = pool_.acquire()->execute(create_queue_, params);
  const Row row = rows.only();
  if (row.text(0) == "deleted_recently") return DeletedRecently{};
  if (row.text(0) == "exists") return AlreadyExists{queueRecord(row, 1)};
  return Created{queueRecord(row, 1)};
}

std::optional<QueueRecord> PostgresQueueStore::findQueue(const QueueName& queue_name) {
  const Rows rows = pool_.acquire()->execute(kFindQueue, Params().text(queue_name.account).text(queue_name.name));
  if (rows.empty()) return std::nullopt;
  return queueRecord(rows.only(), 0);
}

std::vector<std::string> PostgresQueueStore::listQueues(const std::string& account, const std::string& prefix,
                                                        const std::string& after, int limit) {
  std::vector<std::string> names;
  for (const Row row :
       pool_.acquire()->execute(kListQueues, Params().text(account).text(prefix).text(after).int8(limit))) {
    names.emplace_back(row.text(0));
  }
  return names;
}

std::vector<std::string> PostgresQueueStore::listDeadLetterSources(const QueueName& target, const std::string& after,
                                                                   int limit) {
  std::vector<std::string> names;
  for (const Row row : pool_.acquire()->execute(
           kListDeadLetterSources, Params().text(target.account).text(target.name).text(after).int8(limit))) {
    names.emplace_back(row.text(0));
  }
  return names;
}

std::variant<QueueRecord, QueueStore::NotFound, QueueStore::VersionChanged> PostgresQueueStore::replaceAttributes(
    const QueueName& queue_name, QueueId queue_id, std::int64_t expected_version, const StringMap& attributes) {
  return replace(replace_attributes_, queue_name, queue_id, expected_version, attributes);
}

std::variant<QueueRecord, QueueStore::NotFound, QueueStore::VersionChanged> PostgresQueueStore::replaceTags(
    const QueueName& queue_name, QueueId queue_id, std::int64_t expected_version, const StringMap& tags) {
  return replace(replace_tags_, queue_name, queue_id, expected_version, tags);
}

std::variant<QueueRecord, QueueStore::NotFound, QueueStore::VersionChanged> PostgresQueueStore::replace(
    const Statement& statement, const QueueName& queue_name, QueueId queue_id, std::int64_t expected_version,
    const StringMap& map) {
  Params params;
  params.text(queue_name.account).text(queue_name.name).int8(queue_id).int8(expected_version);
  addMap(params, map);
  const Rows rows = pool_.acquire()->execute(statement, params);
  const Row row = rows.only();
  if (row.text(0) == "not_found") return NotFound{};
  if (row.text(0) == "version_changed") return VersionChanged{};
  return queueRecord(row, 1);
}

bool PostgresQueueStore::deleteQueue(const QueueName& queue_name) {
  return endIncarnation(queue_name, std::nullopt, std::nullopt).only().text(0) == "ended";
}

std::variant<QueueRecord, QueueStore::NotFound, QueueStore::PurgeInProgress> PostgresQueueStore::purgeQueue(
    const QueueName& queue_name, std::chrono::seconds minimum_interval) {
  const Rows rows = endIncarnation(queue_name, newQueueId(), minimum_interval);
  const Row row = rows.only();
  if (row.text(0) == "not_found") return NotFound{};
  if (row.text(0) == "purge_in_progress") return PurgeInProgress{};
  return queueRecord(row, 1);
}

Rows PostgresQueueStore::endIncarnation(const QueueName& queue_name, std::optional<QueueId> successor,
                                        std::optional<std::chrono::seconds> minimum_interval) {
  Params params;
  params.text(queue_name.account).text(queue_name.name).int8(successor);
  params.int8(minimum_interval ? std::optional(minimum_interval->count()) : std::nullopt);
  const auto give_up = std::chrono::steady_clock::now() + kLongestTries;
  while (true) {
    ConnectionPool::Lease connection = pool_.acquire();
    const bool last_try = std::chrono::steady_clock::now() >= give_up;
    try {
      Rows rows = connection->execute(end_incarnation_, params);
      if (rows.only().text(0) != "changed") return rows;
      if (last_try) throw StoreConflict("the queue is purged and created again all the time");
    } catch (const StoreUnavailable&) {  // the short lock timeout, or else the connection
      if (connection->broken() || last_try) throw;
    } catch (const StoreConflict&) {
      if (last_try) throw;
    }
  }
}

std::string PostgresQueueStore::receiptHandleKey() {
  const Rows rows = pool_.acquire()->execute(kReceiptHandleKey);
  std::string key(rows.only().bytea(0));
  if (key.size() != kKeyBytes) throw StoreBug("the receipt handle key in howdah.secret is not 32 bytes", "");
  return key;
}

}  // namespace howdah::persistence::postgres
