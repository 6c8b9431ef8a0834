-- Deletes messages of a standard queue with their delivery rows, which this transaction locked in an earlier statement.
CREATE FUNCTION howdah.{name}(p_queue_id bigint, p_deliveries tid[])
RETURNS void
LANGUAGE sql VOLATILE AS $$
  WITH old AS MATERIALIZED (
         SELECT m.t FROM unnest(p_deliveries) u(t)
           CROSS JOIN LATERAL (SELECT x.lane, x.seq FROM howdah.delivery x WHERE x.ctid = u.t OFFSET 0) d
           CROSS JOIN LATERAL (SELECT x.ctid AS t FROM howdah.message x WHERE x.queue_id = p_queue_id AND x.lane = d.lane
                                  AND x.seq = d.seq OFFSET 0) m),
       gone AS (DELETE FROM howdah.message WHERE ctid = ANY (ARRAY(SELECT o.t FROM old o)))
  DELETE FROM howdah.delivery WHERE ctid = ANY (p_deliveries)
$$;
