-- Visible, in flight and delayed messages of one FIFO queue, exact, from one snapshot. All there are is arithmetic on the
-- partitions' counters; what is in flight is counted; the delayed only where the queue has a delay, by a walk.
CREATE FUNCTION howdah.{name}(p_queue_id bigint, OUT visible bigint, OUT in_flight bigint, OUT delayed bigint)
LANGUAGE sql VOLATILE AS $$
  WITH now AS MATERIALIZED (SELECT {clock} AS t),
       queue AS MATERIALIZED (
         SELECT coalesce((SELECT (q.attributes ->> 'DelaySeconds')::int FROM howdah.queue q
                           WHERE q.queue_id = p_queue_id), 0) AS delay),
       total AS (
         SELECT sum((SELECT c.hi FROM howdah.lane_cursor c WHERE c.queue_id = p_queue_id AND c.lane = -p.part
                      ORDER BY c.hi DESC LIMIT 1)
                    - (SELECT c.hi FROM howdah.lane_cursor c WHERE c.queue_id = p_queue_id AND c.lane = p.part
                        ORDER BY c.hi DESC LIMIT 1)) AS n
           FROM generate_series(1, 8) p(part)),
       flight AS (
         SELECT count(*) AS n FROM howdah.fifo_delivery d, now WHERE d.queue_id = p_queue_id AND d.visible_at > now.t),
       late AS (
         SELECT count(*) AS n FROM howdah.message m, now
          WHERE (SELECT q.delay FROM queue q) > 0 AND m.queue_id = p_queue_id
            AND m.sent_at > now.t - (SELECT q.delay FROM queue q) * interval '1 second'
            AND (SELECT d.seq FROM howdah.fifo_delivery d WHERE d.queue_id = p_queue_id AND d.lane = m.lane
                    AND d.seq = m.seq) IS NULL)
  SELECT (total.n - flight.n - late.n)::bigint, flight.n, late.n FROM total, flight, late
$$;
