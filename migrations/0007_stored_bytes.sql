-- How many bytes each queue stores, for the settings stored-bytes-per-queue and stored-bytes (docs/decisions/stored-bytes.md).
-- Nothing here is written until a server with one of them has made the triggers.

-- What one statement stored or, negative, removed: inserted with the messages, in their transaction, and folded into
-- stored_bytes every few seconds. Nobody waits for anybody, as they would at one row a queue.
CREATE SEQUENCE howdah.stored_bytes_change_id CACHE 1;
CREATE TABLE howdah.stored_bytes_change (
  change_id bigint NOT NULL DEFAULT nextval('howdah.stored_bytes_change_id') PRIMARY KEY,
  queue_id  bigint NOT NULL,
  bytes     bigint NOT NULL
);
ALTER TABLE howdah.stored_bytes_change SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- The folded sums: a queue's are its row here and its changes.
CREATE TABLE howdah.stored_bytes (
  queue_id bigint NOT NULL PRIMARY KEY,
  bytes    bigint NOT NULL
);
ALTER TABLE howdah.stored_bytes SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- One row: the count as a whole.
CREATE TABLE howdah.stored_bytes_count (
  id           integer     NOT NULL PRIMARY KEY CHECK (id = 1),
  counted_at   timestamptz,           -- when all messages were counted; NULL: the sums mean nothing
  bytes        bigint      NOT NULL,  -- of all queues, without the changes
  last_change  bigint      NOT NULL,  -- the highest that was folded
  floor        bigint      NOT NULL,  -- readers look for changes above it: what lies below has been folded for long
  whole_at     timestamptz NOT NULL,  -- when changes were last looked for below the floor too
  wanted_until timestamptz NOT NULL   -- then nobody wants the count any more, and the triggers may go
);
ALTER TABLE howdah.stored_bytes_count SET (fillfactor = 25);
INSERT INTO howdah.stored_bytes_count (id, bytes, last_change, floor, whole_at, wanted_until)
VALUES (1, 0, 0, 0, '-infinity', '-infinity');

-- 256: about what PostgreSQL keeps for a message besides its body and attributes; kStoredMessageBytes in the code.
CREATE FUNCTION howdah.note_stored_bytes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO howdah.stored_bytes_change (queue_id, bytes)
  SELECT c.queue_id,
         CASE WHEN TG_OP = 'INSERT' THEN 1 ELSE -1 END
           * sum(256 + octet_length(c.body) + coalesce(octet_length(c.message_attributes), 0))
    FROM changed c GROUP BY c.queue_id;
  RETURN NULL;
END $$;

-- Makes the triggers. SHARE ROW EXCLUSIVE on message: waits for the transactions that write, a second at most, while new
-- ones wait behind it. As the owner, since a server's role need not be.
CREATE FUNCTION howdah.start_counting_stored_bytes() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
BEGIN
  UPDATE howdah.stored_bytes_count SET counted_at = NULL WHERE id = 1;
  CREATE OR REPLACE TRIGGER stored AFTER INSERT ON howdah.message REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION howdah.note_stored_bytes();
  CREATE OR REPLACE TRIGGER removed AFTER DELETE ON howdah.message REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION howdah.note_stored_bytes();
END $$;

CREATE FUNCTION howdah.stop_counting_stored_bytes() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
BEGIN
  UPDATE howdah.stored_bytes_count SET counted_at = NULL WHERE id = 1;
  DROP TRIGGER IF EXISTS stored ON howdah.message;
  DROP TRIGGER IF EXISTS removed ON howdah.message;
  DELETE FROM howdah.stored_bytes_change;
  DELETE FROM howdah.stored_bytes;
END $$;
