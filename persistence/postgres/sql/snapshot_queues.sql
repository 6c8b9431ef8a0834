-- Counts the messages of the next p_limit queues after p_after, in order of queue_id, into queue_snapshot. Rows that say
-- what they said are not written. Answers the last queue's id; NULL if there were no more queues.
-- Counts as count_messages and count_messages_fifo do: the log by arithmetic, delivery rows one by one.
-- oldest_at of a standard queue leaves out messages received three times or more since they came here, which go to the
-- back of the queue, and takes a dead letter's move for its beginning; seq grows with both in every lane. Of a FIFO queue
-- it looks at the heads of up to 10,000 groups, those first that have been available longest.
-- Locks nothing that others wait for. Costs some ten index probes an idle queue and thirty an idle FIFO queue, one a
-- delivery row, and one a message group.
CREATE FUNCTION howdah.{name}(p_after bigint, p_limit int)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  v_now timestamptz := {clock};
  v_queues bigint[];
BEGIN
  SELECT array_agg(q.queue_id) INTO v_queues
    FROM (SELECT x.queue_id FROM howdah.queue x WHERE x.queue_id > p_after AND x.deleted_at IS NULL
           ORDER BY x.queue_id LIMIT p_limit) q;
  IF v_queues IS NULL THEN RETURN NULL; END IF;

  INSERT INTO howdah.queue_snapshot AS s (queue_id, visible, in_flight, delayed, groups_in_flight, oldest_at)
  SELECT q.queue_id, c.visible, c.in_flight, c.delayed, c.groups_in_flight, c.oldest_at
    FROM unnest(v_queues) u(queue_id)
    CROSS JOIN LATERAL (SELECT x.queue_id, coalesce((x.attributes ->> 'DelaySeconds')::int, 0) AS delay,
                               coalesce(x.attributes ->> 'FifoQueue' = 'true', false) AS fifo
                          FROM howdah.queue x WHERE x.queue_id = u.queue_id AND x.deleted_at IS NULL OFFSET 0) q
    CROSS JOIN LATERAL (
      SELECT above.n + behind.due AS visible, behind.in_flight, behind.delayed, 0 AS groups_in_flight,
             least(above.oldest_at, behind.oldest_at) AS oldest_at
        FROM (SELECT coalesce(sum(coalesce((SELECT m.seq FROM howdah.message m WHERE m.queue_id = q.queue_id
                                               AND m.lane = l.lane AND m.seq > l.hi ORDER BY m.seq DESC LIMIT 1), l.hi)
                                  - l.hi), 0)::bigint AS n,
                     min((SELECT m.sent_at FROM howdah.message m WHERE m.queue_id = q.queue_id AND m.lane = l.lane
                             AND m.seq > l.hi ORDER BY m.seq LIMIT 1)) AS oldest_at
                FROM (SELECT k.lane, (SELECT c.hi FROM howdah.lane_cursor c WHERE c.queue_id = q.queue_id
                                         AND c.lane = k.lane ORDER BY c.hi DESC LIMIT 1) AS hi
                        FROM howdah.send_lock k WHERE k.queue_id = q.queue_id AND k.lane > 0 OFFSET 0) l) above,
             (SELECT coalesce(sum(b.due), 0)::bigint AS due, coalesce(sum(b.in_flight), 0)::bigint AS in_flight,
                     coalesce(sum(b.delayed), 0)::bigint AS delayed,
                     min(coalesce((SELECT d.moved_at FROM howdah.delivery d WHERE d.queue_id = q.queue_id
                                      AND d.lane = b.lane AND d.seq = b.first),
                                  (SELECT m.sent_at FROM howdah.message m WHERE m.queue_id = q.queue_id
                                      AND m.lane = b.lane AND m.seq = b.first))) AS oldest_at
                FROM (SELECT d.lane, count(*) FILTER (WHERE d.visible_at <= v_now) AS due,
                             count(*) FILTER (WHERE d.visible_at > v_now AND d.receive_count > 0) AS in_flight,
                             count(*) FILTER (WHERE d.visible_at > v_now AND d.receive_count = 0) AS delayed,
                             min(d.seq) FILTER (WHERE d.receive_count - d.count_at_move < 3) AS first
                        FROM howdah.delivery d WHERE d.queue_id = q.queue_id GROUP BY d.lane) b) behind
       WHERE NOT q.fifo
      UNION ALL
      SELECT total.n - flight.n - late.n, flight.n, late.n, flight.groups, head.oldest_at
        FROM (SELECT sum((SELECT c.hi FROM howdah.lane_cursor c WHERE c.queue_id = q.queue_id AND c.lane = -p.part
                           ORDER BY c.hi DESC LIMIT 1)
                         - (SELECT c.hi FROM howdah.lane_cursor c WHERE c.queue_id = q.queue_id AND c.lane = p.part
                             ORDER BY c.hi DESC LIMIT 1))::bigint AS n
                FROM generate_series(1, 8) p(part)) total,
             (SELECT count(*) AS n, count(DISTINCT d.lane) AS groups FROM howdah.fifo_delivery d
               WHERE d.queue_id = q.queue_id AND d.visible_at > v_now) flight,
             (SELECT count(*) AS n FROM howdah.message m
               WHERE q.delay > 0 AND m.queue_id = q.queue_id AND m.sent_at > v_now - q.delay * interval '1 second'
                 AND (SELECT d.seq FROM howdah.fifo_delivery d WHERE d.queue_id = q.queue_id AND d.lane = m.lane
                         AND d.seq = m.seq) IS NULL) late,
             (SELECT min((SELECT m.sent_at FROM howdah.message m WHERE m.queue_id = q.queue_id AND m.lane = t.lane
                             AND m.seq > t.done ORDER BY m.seq LIMIT 1)) AS oldest_at
                FROM generate_series(1, 8) p(part)
                CROSS JOIN LATERAL (SELECT x.lane, x.done FROM howdah.fifo_turn x
                                     WHERE x.queue_id = q.queue_id AND x.part = p.part AND x.available_at IS NOT NULL
                                     ORDER BY x.available_at LIMIT 1250) t) head
       WHERE q.fifo) c
  ON CONFLICT (queue_id) DO UPDATE
    SET visible = excluded.visible, in_flight = excluded.in_flight, delayed = excluded.delayed,
        groups_in_flight = excluded.groups_in_flight, oldest_at = excluded.oldest_at
  WHERE (s.visible, s.in_flight, s.delayed, s.groups_in_flight, s.oldest_at)
        IS DISTINCT FROM (excluded.visible, excluded.in_flight, excluded.delayed, excluded.groups_in_flight,
                          excluded.oldest_at);
  RETURN v_queues[cardinality(v_queues)];
END $$;
