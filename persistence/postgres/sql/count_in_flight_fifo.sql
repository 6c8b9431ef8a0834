-- Messages of one FIFO queue that are in flight, counted up to p_limit; 0 for a queue that is no longer current.
CREATE FUNCTION howdah.{name}(p_queue_id bigint, p_limit bigint)
RETURNS bigint
LANGUAGE sql VOLATILE AS $$
  SELECT count(*) FROM (SELECT 1 FROM howdah.fifo_delivery d, (SELECT {clock} AS t OFFSET 0) now
                         WHERE d.queue_id = p_queue_id AND d.visible_at > now.t LIMIT p_limit) f
   WHERE EXISTS (SELECT 1 FROM howdah.queue q WHERE q.queue_id = p_queue_id AND q.deleted_at IS NULL)
$$;
