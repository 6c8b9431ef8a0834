-- Messages of one standard queue that are in flight, counted up to p_limit; 0 for a queue that is no longer current.
-- Reads at most three times p_limit rows: a queue with more than p_limit delayed messages may count too few.
-- Uses delivery_due_fresh and delivery_due_worn.
CREATE FUNCTION howdah.{name}(p_queue_id bigint, p_limit bigint)
RETURNS bigint
LANGUAGE sql VOLATILE AS $$
  SELECT least(count(*) FILTER (WHERE f.receive_count > 0), p_limit)
    FROM (SELECT {clock} AS t OFFSET 0) now,
         LATERAL ((SELECT d.receive_count FROM howdah.delivery d
                    WHERE d.queue_id = p_queue_id AND d.visible_at > now.t AND d.receive_count < 3
                    ORDER BY d.visible_at LIMIT 2 * p_limit)
                  UNION ALL
                  (SELECT d.receive_count FROM howdah.delivery d
                    WHERE d.queue_id = p_queue_id AND d.visible_at > now.t AND d.receive_count >= 3
                    ORDER BY d.visible_at LIMIT p_limit)) f
   WHERE EXISTS (SELECT 1 FROM howdah.queue q WHERE q.queue_id = p_queue_id AND q.deleted_at IS NULL)
$$;
