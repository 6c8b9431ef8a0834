-- For queues with parked receives: whether each still is a queue, whether something can be received now, and if not when
-- the next message falls due. One statement for all; p_floors_*: as in receive_standard, one a queue.
-- Locks nothing. Costs three index probes a queue.
CREATE FUNCTION howdah.{name}(p_queue_ids bigint[], p_floors_fresh timestamptz[], p_floors_worn timestamptz[])
RETURNS TABLE (queue_index int, gone boolean, deliverable boolean, next_due timestamptz, now timestamptz)
LANGUAGE sql VOLATILE AS $$
  WITH now AS MATERIALIZED (SELECT {clock} AS t)
  SELECT u.ord::int,
         (SELECT q.queue_id FROM howdah.queue q WHERE q.queue_id = u.queue_id AND q.deleted_at IS NULL) IS NULL,
         lanes.waiting OR coalesce(due.visible_at <= now.t, false),
         CASE WHEN due.visible_at > now.t THEN due.visible_at END,
         now.t
    FROM now, unnest(p_queue_ids, p_floors_fresh, p_floors_worn) WITH ORDINALITY u(queue_id, floor_fresh, floor_worn, ord)
    CROSS JOIN LATERAL (
      SELECT least((SELECT d.visible_at FROM howdah.delivery d WHERE d.queue_id = u.queue_id AND d.receive_count < 3
                       AND d.visible_at > u.floor_fresh ORDER BY d.visible_at LIMIT 1),
                   (SELECT d.visible_at FROM howdah.delivery d WHERE d.queue_id = u.queue_id AND d.receive_count >= 3
                       AND d.visible_at > u.floor_worn ORDER BY d.visible_at LIMIT 1)) AS visible_at OFFSET 0) due
    CROSS JOIN LATERAL (
      SELECT coalesce(bool_or((SELECT m.seq FROM howdah.message m WHERE m.queue_id = u.queue_id AND m.lane = l.lane
                                  AND m.seq > (SELECT c.hi FROM howdah.lane_cursor c WHERE c.queue_id = u.queue_id
                                                  AND c.lane = l.lane ORDER BY c.hi DESC LIMIT 1)
                                ORDER BY m.seq LIMIT 1) IS NOT NULL), false) AS waiting
        FROM howdah.claim_lock l WHERE l.queue_id = u.queue_id AND l.lane > 0 OFFSET 0) lanes
$$;
