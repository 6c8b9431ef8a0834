-- Which queues name a dead-letter queue, and the tasks that move messages out of one.

-- For ListDeadLetterSourceQueues. A stored RedrivePolicy is our own canonical JSON, and its target has the queue's
-- account. Building it locks the table against changes of queues, not against reading, for as long as they are many.
CREATE INDEX queue_dead_letter_source ON howdah.queue
  (account, split_part((attributes ->> 'RedrivePolicy')::jsonb ->> 'deadLetterTargetArn', ':', 6), name)
  WHERE attributes ? 'RedrivePolicy' AND deleted_at IS NULL;

-- Queues by name: a task outlives purges, and ends when a queue it needs is deleted.
CREATE TABLE howdah.move_task (
  task_id          uuid             NOT NULL PRIMARY KEY,
  account          text COLLATE "C" NOT NULL,
  source_name      text COLLATE "C" NOT NULL,
  destination_name text COLLATE "C",           -- NULL: each message goes back to where it came from
  max_per_second   integer,
  status           text             NOT NULL,  -- RUNNING, CANCELLING, CANCELLED, COMPLETED, FAILED
  failure_reason   text,
  started_at       timestamptz      NOT NULL,
  finished_at      timestamptz,                -- not NULL: it no longer runs
  moved            bigint           NOT NULL DEFAULT 0,
  to_move          bigint           NOT NULL,
  -- How far the pass over the source's delivery rows has come, so that no batch walks the dead rows of those before it.
  pass_lane        bigint           NOT NULL DEFAULT 0,
  pass_seq         bigint           NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX move_task_active ON howdah.move_task (account, source_name) WHERE finished_at IS NULL;
CREATE INDEX move_task_source ON howdah.move_task (account, source_name, started_at DESC);
-- Updated by every batch; a page has room for many versions of its few rows, which are then freed without vacuum.
ALTER TABLE howdah.move_task SET (fillfactor = 25);
