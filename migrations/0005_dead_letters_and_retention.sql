-- Dead letters and retention.

-- The name of the queue that a dead letter came from, in the same account; DeadLetterQueueSourceArn.
ALTER TABLE howdah.message ADD COLUMN source_queue text COLLATE "C";

-- Stretches of a lane that a cursor passed because they were older than the queue's retention: their messages have no
-- delivery rows and are deleted in batches. So a retention shortened over a million messages costs a receive nothing.
CREATE TABLE howdah.expired_range (
  queue_id  bigint NOT NULL,
  lane      bigint NOT NULL,
  first_seq bigint NOT NULL,
  last_seq  bigint NOT NULL,
  PRIMARY KEY (queue_id, lane, first_seq)
);
