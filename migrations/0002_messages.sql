-- Messages of standard queues: an append-only log in lanes, a cursor a lane, and a delivery row for every message that
-- is behind a cursor or aside (docs/storage.md tells why). Everything leads with queue_id, the queue's incarnation.
-- No foreign keys: their row triggers cost more than the writes they watch.

-- Rows that are locked and never updated. Whoever sends into a lane holds its send lock to the commit, so that what is
-- committed is a prefix of the lane; whoever moves a lane's cursor holds its claim lock. No row: the queue is gone.
CREATE TABLE howdah.send_lock (
  queue_id bigint NOT NULL,
  lane     bigint NOT NULL,
  PRIMARY KEY (queue_id, lane)
);
CREATE TABLE howdah.claim_lock (
  queue_id bigint NOT NULL,
  lane     bigint NOT NULL,
  PRIMARY KEY (queue_id, lane)
);

-- Lane 0 is the aside lane: unordered, its seq from aside_seq, each message with a delivery row from birth. In the lanes
-- above, seq is dense and continues from the highest message above the cursor. Inserted once, never updated.
CREATE TABLE howdah.message (
  queue_id           bigint      NOT NULL,
  lane               bigint      NOT NULL,
  seq                bigint      NOT NULL,
  sent_at            timestamptz NOT NULL,
  message_id         uuid        NOT NULL,
  body               text        NOT NULL,
  message_attributes bytea,  -- in the encoding that SQS's attribute digest covers
  sender_id          text        NOT NULL,
  trace_header       text,
  message_group_id   text,
  PRIMARY KEY (queue_id, lane, seq)
);
-- Bodies are not compressed (pglz costs more CPU than the rest of a send) and stay in the row up to a page, so that a
-- message of a few KB is one row to write and one to delete, not one and several chunks.
ALTER TABLE howdah.message ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE howdah.message ALTER COLUMN message_attributes SET STORAGE EXTERNAL;
ALTER TABLE howdah.message SET (toast_tuple_target = 8160);
CREATE SEQUENCE howdah.aside_seq;

-- Everything at or before the highest hi of a lane has been handed out. A claim inserts the next row and deletes the one
-- before it by its key; readers take the right edge of the index, so no dead row is ever passed. The highest row of a
-- lane that is in use is never deleted.
CREATE TABLE howdah.lane_cursor (
  queue_id bigint NOT NULL,
  lane     bigint NOT NULL,
  hi       bigint NOT NULL,
  PRIMARY KEY (queue_id, lane, hi)
);

-- One row for a message that was handed out, is delayed or came in aside: visible_at says when it may be received
-- (again). The row owns its message: whoever changes or deletes that holds the row.
CREATE TABLE howdah.delivery (
  queue_id          bigint      NOT NULL,
  lane              bigint      NOT NULL,
  seq               bigint      NOT NULL,
  visible_at        timestamptz,  -- never NULL; nullable so that only the due indexes' predicates tell them apart
  received_at       timestamptz,
  first_received_at timestamptz,
  receive_count     integer     NOT NULL,
  count_at_move     integer     NOT NULL DEFAULT 0,  -- receive_count when a dead-letter move brought it here
  PRIMARY KEY (queue_id, lane, seq)
);
-- The due lists. Messages received three times or more ("worn") have a list of their own and come after everything else,
-- so that a few that always fail cannot starve the rest. Partial on purpose: a probe by key must not take them.
CREATE INDEX delivery_due_fresh ON howdah.delivery (queue_id, visible_at)
  WHERE visible_at IS NOT NULL AND receive_count < 3;
CREATE INDEX delivery_due_worn ON howdah.delivery (queue_id, visible_at)
  WHERE visible_at IS NOT NULL AND receive_count >= 3;

-- Every message makes dead rows in these tables. Vacuum by number of dead rows rather than by share of a table that may
-- hold millions, and early: dead rows cost only until vacuum frees them, and a small vacuum is a short one.
ALTER TABLE howdah.message SET
  (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000, autovacuum_analyze_scale_factor = 0.1);
ALTER TABLE howdah.delivery SET
  (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000, autovacuum_analyze_scale_factor = 0.1);
ALTER TABLE howdah.lane_cursor SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
