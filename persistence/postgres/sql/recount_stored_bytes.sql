-- Counts the bytes of all messages anew. REQUIRES: the triggers are there, made by an earlier transaction.
-- The sums and the changes that they cover are of one snapshot, so whatever is sent and deleted meanwhile is a change that
-- stays. Reads the whole table of messages, without their large bodies: once, when the count begins.
-- Locks: the row of the count.
CREATE FUNCTION howdah.{name}()
RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_queue_ids bigint[];
  v_bytes bigint[];
BEGIN
  PERFORM 1 FROM howdah.stored_bytes_count c WHERE c.id = 1 FOR UPDATE;
  WITH covered AS (DELETE FROM howdah.stored_bytes_change),
       sums AS (SELECT m.queue_id,
                       sum(256 + octet_length(m.body) + coalesce(octet_length(m.message_attributes), 0))::bigint AS bytes
                  FROM howdah.message m GROUP BY m.queue_id)
  SELECT array_agg(s.queue_id), array_agg(s.bytes) INTO v_queue_ids, v_bytes FROM sums s;
  DELETE FROM howdah.stored_bytes;
  INSERT INTO howdah.stored_bytes (queue_id, bytes) SELECT * FROM unnest(v_queue_ids, v_bytes);
  UPDATE howdah.stored_bytes_count c
     SET bytes = (SELECT coalesce(sum(s.bytes), 0) FROM howdah.stored_bytes s), last_change = 0, floor = 0,
         counted_at = clock_timestamp(), whole_at = clock_timestamp(), wanted_until = clock_timestamp() + interval '5 minutes'
   WHERE c.id = 1;
END $$;
