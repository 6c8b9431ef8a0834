-- Makes the lock rows and cursors of a new incarnation: the aside lane and one lane for a standard queue, eight
-- partitions, each with a counter of what was sent and one of what was removed, for a FIFO queue.
CREATE FUNCTION howdah.{name}(p_queue_id bigint, p_attributes jsonb)
RETURNS void
LANGUAGE sql VOLATILE AS $$
  INSERT INTO howdah.send_lock (queue_id, lane)
  SELECT p_queue_id, l FROM generate_series(0, CASE WHEN p_attributes ->> 'FifoQueue' = 'true' THEN 8 ELSE 1 END) l;
  INSERT INTO howdah.claim_lock (queue_id, lane)
  SELECT p_queue_id, l FROM generate_series(0, CASE WHEN p_attributes ->> 'FifoQueue' = 'true' THEN 8 ELSE 1 END) l;
  INSERT INTO howdah.lane_cursor (queue_id, lane, hi)
  SELECT p_queue_id, l, 0
    FROM generate_series(CASE WHEN p_attributes ->> 'FifoQueue' = 'true' THEN -8 ELSE 1 END,
                         CASE WHEN p_attributes ->> 'FifoQueue' = 'true' THEN 8 ELSE 1 END) l
   WHERE l <> 0;
$$;
