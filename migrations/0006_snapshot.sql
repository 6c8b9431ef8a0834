-- What the elected snapshot counts, for the metrics of every server.
-- Adding the column needs an exclusive lock on howdah.delivery for an instant, which requests wait for.

-- When a dead-letter move brought it here: the age of a message in a dead-letter queue counts from then.
ALTER TABLE howdah.delivery ADD COLUMN moved_at timestamptz;

-- One row an incarnation, written only when something in it changed. A page has room for new versions of its rows, which
-- are then freed without vacuum.
CREATE TABLE howdah.queue_snapshot (
  queue_id         bigint NOT NULL PRIMARY KEY,
  visible          bigint NOT NULL,
  in_flight        bigint NOT NULL,
  delayed          bigint NOT NULL,
  groups_in_flight bigint NOT NULL,
  oldest_at        timestamptz          -- since when the oldest message that counts is in the queue
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

-- One row: the last snapshot that was finished.
CREATE TABLE howdah.snapshot (
  id         integer     NOT NULL PRIMARY KEY CHECK (id = 1),
  number     bigint      NOT NULL,
  taken_at   timestamptz NOT NULL,  -- by the clock of messages
  written_at timestamptz NOT NULL,  -- by the database's own
  database   jsonb                  -- figures of PostgreSQL: by metric, then by table ("" for those without)
) WITH (fillfactor = 25);
INSERT INTO howdah.snapshot (id, number, taken_at, written_at) VALUES (1, 0, '-infinity', clock_timestamp());
