-- Sets the turns of message groups by what is there: done to just before the group's first message, available_at to when
-- that may be taken. A group without messages loses its turn.
-- Called within transactions that hold the claim locks of the groups' partitions.
-- The subtle part is a group that looks empty while a sender is at work: its turn may go only under the send lock, and is
-- made available now if it stays, so that the next receive looks again. Without that the group would stand still until
-- its old timeout.
CREATE FUNCTION howdah.{name}(p_queue_id bigint, p_lanes bigint[], p_delay int, p_now timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_empty bigint[];
  v_free bigint[];
BEGIN
  WITH g AS MATERIALIZED (
         SELECT t.t, l.lane, m.seq, coalesce(m.visible_at, m.sent_at + p_delay * interval '1 second') AS available_at
           FROM (SELECT DISTINCT x AS lane FROM unnest(p_lanes) x) l
           CROSS JOIN LATERAL (SELECT y.ctid AS t, y.done FROM howdah.fifo_turn y WHERE y.queue_id = p_queue_id
                                  AND y.lane = l.lane ORDER BY y.version DESC LIMIT 1) t
           LEFT JOIN LATERAL (
             SELECT h.seq, h.sent_at, (SELECT d.visible_at FROM howdah.fifo_delivery d WHERE d.queue_id = p_queue_id
                                          AND d.lane = l.lane AND d.seq = h.seq) AS visible_at
               FROM (SELECT x.seq, x.sent_at FROM howdah.message x WHERE x.queue_id = p_queue_id AND x.lane = l.lane
                        AND x.seq > t.done ORDER BY x.seq LIMIT 1) h OFFSET 0) m ON true),
       next AS (
         INSERT INTO howdah.fifo_turn (queue_id, lane, version, done, available_at, part)
         SELECT p_queue_id, g.lane, nextval('howdah.fifo_seq'), g.seq - 1, greatest(g.available_at, p_now), (g.lane & 7) + 1
           FROM g WHERE g.seq IS NOT NULL),
       last AS (DELETE FROM howdah.fifo_turn WHERE ctid = ANY (ARRAY(SELECT g.t FROM g WHERE g.seq IS NOT NULL)))
  SELECT array_agg(g.lane) INTO v_empty FROM g WHERE g.seq IS NULL;
  IF v_empty IS NULL THEN RETURN; END IF;

  SELECT array_agg(l.lane) INTO v_free
    FROM (SELECT DISTINCT (x & 7) + 1 AS part FROM unnest(v_empty) x ORDER BY 1) p
    CROSS JOIN LATERAL (SELECT s.lane FROM howdah.send_lock s WHERE s.queue_id = p_queue_id AND s.lane = p.part
                        OFFSET 0 FOR UPDATE SKIP LOCKED) l;
  IF v_free IS NOT NULL THEN
    DELETE FROM howdah.fifo_turn WHERE ctid = ANY (ARRAY(
      SELECT t.t FROM unnest(v_empty) l(lane)
        CROSS JOIN LATERAL (SELECT y.ctid AS t, y.done FROM howdah.fifo_turn y WHERE y.queue_id = p_queue_id
                               AND y.lane = l.lane ORDER BY y.version DESC LIMIT 1) t
       WHERE (l.lane & 7) + 1 = ANY (v_free)
         AND (SELECT x.seq FROM howdah.message x WHERE x.queue_id = p_queue_id AND x.lane = l.lane AND x.seq > t.done
              ORDER BY x.seq LIMIT 1) IS NULL));
  END IF;

  WITH g AS MATERIALIZED (
         SELECT t.* FROM unnest(v_empty) l(lane)
           CROSS JOIN LATERAL (SELECT y.ctid AS t, y.lane, y.done, y.available_at FROM howdah.fifo_turn y
                                WHERE y.queue_id = p_queue_id AND y.lane = l.lane ORDER BY y.version DESC LIMIT 1) t
          WHERE t.available_at > p_now),
       next AS (
         INSERT INTO howdah.fifo_turn (queue_id, lane, version, done, available_at, part)
         SELECT p_queue_id, g.lane, nextval('howdah.fifo_seq'), g.done, p_now, (g.lane & 7) + 1 FROM g)
  DELETE FROM howdah.fifo_turn WHERE ctid = ANY (ARRAY(SELECT g.t FROM g));
END $$;
