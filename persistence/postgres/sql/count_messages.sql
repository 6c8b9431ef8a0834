-- Visible, in flight and delayed messages of one standard queue, exact, from one snapshot: what lies above the cursors by
-- arithmetic on seq, the rest by counting delivery rows. Costs what is behind the cursors, not the backlog.
-- Never counts from a floor: floors leave out rows that are due and locked.
CREATE FUNCTION howdah.{name}(p_queue_id bigint, OUT visible bigint, OUT in_flight bigint, OUT delayed bigint)
LANGUAGE sql VOLATILE AS $$
  WITH now AS MATERIALIZED (SELECT {clock} AS t),
       lanes AS MATERIALIZED (
         SELECT l.lane, (SELECT c.hi FROM howdah.lane_cursor c WHERE c.queue_id = p_queue_id AND c.lane = l.lane
                          ORDER BY c.hi DESC LIMIT 1) AS hi
           FROM howdah.send_lock l WHERE l.queue_id = p_queue_id AND l.lane > 0),
       above AS (
         SELECT coalesce(sum(coalesce((SELECT m.seq FROM howdah.message m WHERE m.queue_id = p_queue_id
                                          AND m.lane = lanes.lane AND m.seq > lanes.hi ORDER BY m.seq DESC LIMIT 1),
                                      lanes.hi) - lanes.hi), 0) AS n
           FROM lanes),
       behind AS (
         SELECT count(*) FILTER (WHERE d.visible_at <= now.t) AS due,
                count(*) FILTER (WHERE d.visible_at > now.t AND d.receive_count > 0) AS in_flight,
                count(*) FILTER (WHERE d.visible_at > now.t AND d.receive_count = 0) AS delayed
           FROM howdah.delivery d, now WHERE d.queue_id = p_queue_id)
  SELECT (above.n + behind.due)::bigint, behind.in_flight, behind.delayed FROM above, behind
$$;
