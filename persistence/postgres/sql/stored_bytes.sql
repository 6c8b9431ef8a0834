-- The bytes that queues store: their folded sums and the changes since, from one snapshot.
-- Answers a row a queue of p_queue_ids, by its index, and one with index 0 for all queues of the database; none while
-- they have not been counted.
-- Locks nothing. Costs a probe a queue, and the changes of a few seconds.
CREATE FUNCTION howdah.{name}(p_queue_ids bigint[])
RETURNS TABLE (queue_index int, bytes bigint)
LANGUAGE sql STABLE AS $$
  WITH counted AS MATERIALIZED (
         SELECT c.bytes, c.floor FROM howdah.stored_bytes_count c WHERE c.id = 1 AND c.counted_at IS NOT NULL),
       changes AS MATERIALIZED (
         SELECT c.queue_id, sum(c.bytes) AS bytes FROM howdah.stored_bytes_change c
          WHERE c.change_id > (SELECT f.floor FROM counted f) GROUP BY c.queue_id)
  SELECT 0, (c.bytes + coalesce((SELECT sum(x.bytes) FROM changes x), 0))::bigint FROM counted c
  UNION ALL
  SELECT u.ord::int,
         (coalesce((SELECT s.bytes FROM howdah.stored_bytes s WHERE s.queue_id = u.queue_id), 0)
           + coalesce((SELECT x.bytes FROM changes x WHERE x.queue_id = u.queue_id), 0))::bigint
    FROM counted, unnest(p_queue_ids) WITH ORDINALITY u(queue_id, ord);
$$;
