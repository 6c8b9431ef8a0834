-- For queues with parked receives: whether each still is a queue, whether something can be received now, and if not when
-- the next message falls due. One statement for all; p_floors_fresh and p_floors_worn: as in receive_standard, one a
-- queue; p_floors_turns: the lowest of the floors of receive_fifo.
-- Locks nothing. Costs three index probes a standard queue, one for each partition of a FIFO queue.
CREATE FUNCTION howdah.{name}(
  p_queue_ids bigint[], p_floors_fresh timestamptz[], p_floors_worn timestamptz[], p_floors_turns timestamptz[])
RETURNS TABLE (queue_index int, gone boolean, deliverable boolean, next_due timestamptz, now timestamptz)
LANGUAGE sql VOLATILE AS $$
  WITH now AS MATERIALIZED (SELECT {clock} AS t)
  SELECT u.ord::int, q.fifo IS NULL, lanes.waiting OR coalesce(due.at <= now.t, false),
         CASE WHEN due.at > now.t THEN due.at END, now.t
    FROM now, unnest(p_queue_ids, p_floors_fresh, p_floors_worn, p_floors_turns) WITH ORDINALITY
                u(queue_id, floor_fresh, floor_worn, floor_turns, ord)
    LEFT JOIN LATERAL (SELECT coalesce(x.attributes ->> 'FifoQueue' = 'true', false) AS fifo FROM howdah.queue x
                        WHERE x.queue_id = u.queue_id AND x.deleted_at IS NULL OFFSET 0) q ON true
    CROSS JOIN LATERAL (
      SELECT CASE WHEN q.fifo THEN
               (SELECT min((SELECT t.available_at FROM howdah.fifo_turn t WHERE t.queue_id = u.queue_id AND t.part = p.part
                               AND t.available_at > u.floor_turns ORDER BY t.available_at LIMIT 1))
                  FROM generate_series(1, 8) p(part))
             ELSE
               least((SELECT d.visible_at FROM howdah.delivery d WHERE d.queue_id = u.queue_id AND d.receive_count < 3
                         AND d.visible_at > u.floor_fresh ORDER BY d.visible_at LIMIT 1),
                     (SELECT d.visible_at FROM howdah.delivery d WHERE d.queue_id = u.queue_id AND d.receive_count >= 3
                         AND d.visible_at > u.floor_worn ORDER BY d.visible_at LIMIT 1))
             END AS at OFFSET 0) due
    CROSS JOIN LATERAL (
      SELECT coalesce(bool_or((SELECT m.seq FROM howdah.message m WHERE m.queue_id = u.queue_id AND m.lane = l.lane
                                  AND m.seq > (SELECT c.hi FROM howdah.lane_cursor c WHERE c.queue_id = u.queue_id
                                                  AND c.lane = l.lane ORDER BY c.hi DESC LIMIT 1)
                                ORDER BY m.seq LIMIT 1) IS NOT NULL), false) AS waiting
        FROM howdah.claim_lock l WHERE l.queue_id = u.queue_id AND l.lane > 0 AND q.fifo IS FALSE OFFSET 0) lanes
$$;
