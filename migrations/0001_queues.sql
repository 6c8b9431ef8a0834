-- Queues by account and name, what purged and deleted ones leave behind, and the server's own few rows.

-- Names compare by their bytes: that is SQS's order, and no library upgrade of the system can change it.
-- A deleted queue keeps its row, for the rule that its name is not free at once, until the sweep forgets it.
CREATE TABLE howdah.queue (
  account     text COLLATE "C" NOT NULL,
  name        text COLLATE "C" NOT NULL,
  queue_id    bigint           NOT NULL,  -- the incarnation: random, new after each purge, never given out twice
  version     bigint           NOT NULL,  -- grows with every change of the row
  attributes  jsonb            NOT NULL,  -- only what was set, by SQS's name, every value a string
  tags        jsonb            NOT NULL,
  created_at  timestamptz      NOT NULL,
  modified_at timestamptz      NOT NULL,
  purged_at   timestamptz,
  deleted_at  timestamptz,                -- not NULL: queue_id is not current
  PRIMARY KEY (account, name)
);
CREATE UNIQUE INDEX queue_queue_id ON howdah.queue (queue_id);
CREATE INDEX queue_deleted ON howdah.queue (deleted_at) WHERE deleted_at IS NOT NULL;

-- Incarnations that ended by a purge or a deletion. Their rows elsewhere are deleted in batches; the incarnation is
-- forgotten once it is empty and what was in flight at its end can no longer arrive.
CREATE TABLE howdah.remains (
  queue_id bigint      NOT NULL PRIMARY KEY,
  since    timestamptz NOT NULL,
  swept_at timestamptz            -- when it was first found empty
);

-- Made here, so that every replica and every later version has the same. Four UUIDs carry 488 random bits from the
-- server's strong source; a built-in without an extension.
CREATE TABLE howdah.secret (
  name  text  NOT NULL PRIMARY KEY,
  value bytea NOT NULL
);
INSERT INTO howdah.secret (name, value)
SELECT 'receipt_handle_key', sha256(string_agg(uuid_send(gen_random_uuid()), '')) FROM generate_series(1, 4);

-- How far the clock of a server with --test-clock is ahead. One row.
CREATE TABLE howdah.test_clock (
  id                 integer NOT NULL PRIMARY KEY CHECK (id = 1),
  ahead_microseconds bigint  NOT NULL
);
INSERT INTO howdah.test_clock (id, ahead_microseconds) VALUES (1, 0);
CREATE FUNCTION howdah.test_clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
  SELECT clock_timestamp() + c.ahead_microseconds * interval '1 microsecond' FROM howdah.test_clock c WHERE c.id = 1
$$;
