-- Adds what was removed from message groups to the counters of their partitions. One element of p_lanes a message.
-- Called within transactions that hold the claim locks of the groups' partitions.
CREATE FUNCTION howdah.{name}(p_queue_id bigint, p_lanes bigint[])
RETURNS void
LANGUAGE sql VOLATILE AS $$
  WITH removed AS (SELECT (x & 7) + 1 AS counter, count(*) AS n FROM unnest(p_lanes) x GROUP BY 1),
       total AS MATERIALIZED (
         SELECT r.counter, r.n, c.hi, c.t FROM removed r
           CROSS JOIN LATERAL (SELECT x.hi, x.ctid AS t FROM howdah.lane_cursor x WHERE x.queue_id = p_queue_id
                                  AND x.lane = r.counter ORDER BY x.hi DESC LIMIT 1) c),
       next AS (INSERT INTO howdah.lane_cursor (queue_id, lane, hi) SELECT p_queue_id, t.counter, t.hi + t.n FROM total t)
  DELETE FROM howdah.lane_cursor WHERE ctid = ANY (ARRAY(SELECT t.t FROM total t))
$$;
