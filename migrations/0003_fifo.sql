-- FIFO queues (docs/storage.md). A message group is a lane: 64 bits of a hash of its id, so there is no table of names. The
-- groups of a queue are spread over eight partitions, (lane & 7) + 1; partition p has the rows of lane p in send_lock and
-- claim_lock. Sends to a partition hold its send lock, everything else its claim lock, to the commit.
-- In lane_cursor, hi of lane p counts what was removed from partition p, hi of lane -p what was sent to it: the
-- difference is its depth.

-- seq of FIFO messages and versions of turns: drawn under the partition's lock, so it grows within a group.
CREATE SEQUENCE howdah.fifo_seq;
ALTER TABLE howdah.message ADD COLUMN message_deduplication_id text;

-- One turn a group that has messages: up to which seq everything is gone, and when its head may be taken. Versioned, not
-- updated: the next version is inserted, the last one deleted by its key, the right edge of the index is read.
CREATE TABLE howdah.fifo_turn (
  queue_id     bigint      NOT NULL,
  lane         bigint      NOT NULL,
  version      bigint      NOT NULL,
  done         bigint      NOT NULL,
  available_at timestamptz,  -- never NULL; nullable so that only the partial index's predicate tells it apart
  part         bigint      NOT NULL,
  PRIMARY KEY (queue_id, lane, version)
);
CREATE INDEX fifo_turn_available ON howdah.fifo_turn (queue_id, part, available_at) WHERE available_at IS NOT NULL;

-- One row for each message of a group that was handed out.
CREATE TABLE howdah.fifo_delivery (
  queue_id          bigint      NOT NULL,
  lane              bigint      NOT NULL,
  seq               bigint      NOT NULL,
  visible_at        timestamptz NOT NULL,
  received_at       timestamptz,
  first_received_at timestamptz,
  changed_at        timestamptz,  -- when a visibility change last touched this delivery; a repeated attempt is void then
  receive_count     integer     NOT NULL,
  count_at_move     integer     NOT NULL DEFAULT 0,
  PRIMARY KEY (queue_id, lane, seq)
);

-- What was accepted in the last five minutes, by a hash of the deduplication id and, for a queue whose scope is the
-- message group, of the group id.
CREATE TABLE howdah.fifo_deduplication (
  queue_id   bigint      NOT NULL,
  key        bytea       NOT NULL,
  expires_at timestamptz NOT NULL,
  message_id uuid        NOT NULL,
  seq        bigint      NOT NULL,
  PRIMARY KEY (queue_id, key)
);
CREATE INDEX fifo_deduplication_expires ON howdah.fifo_deduplication (expires_at);

-- What a receive with a ReceiveRequestAttemptId was given, for five minutes.
CREATE TABLE howdah.fifo_attempt (
  queue_id   bigint      NOT NULL,
  attempt_id text        COLLATE "C" NOT NULL,
  expires_at timestamptz NOT NULL,
  lanes      bigint[]    NOT NULL,
  seqs       bigint[]    NOT NULL,
  counts     integer[]   NOT NULL,
  PRIMARY KEY (queue_id, attempt_id)
);
CREATE INDEX fifo_attempt_expires ON howdah.fifo_attempt (expires_at);

ALTER TABLE howdah.fifo_turn SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
ALTER TABLE howdah.fifo_delivery SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
ALTER TABLE howdah.fifo_deduplication SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
