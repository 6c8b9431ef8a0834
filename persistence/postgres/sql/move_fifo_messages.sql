-- One batch of a move task between FIFO queues, of one partition of the source: of each group that is available the run from
-- its head that is not in flight, in order, behind what the target has of the group. Moved messages are new ones: id,
-- sequence, sent time and counts start anew; the target's deduplication window is neither asked nor told.
-- Parameters and answers: as move_standard_messages; p_delay: the source's, in seconds.
-- Locks: the claim lock of a partition of the source, which has the same number in every queue since a group's lane is a
-- hash of its id; then that partition's send locks of the targets, in order of queue_id. A purge or deletion that came
-- between is a serialization failure: begin anew.
CREATE FUNCTION howdah.{name}(
  p_queue_id bigint, p_account text, p_destination text, p_since timestamptz, p_retention bigint, p_delay int,
  p_rows int, p_bytes bigint,
  OUT moved bigint, OUT targets bigint[], OUT failure text, OUT nothing_left boolean)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz;
  v_turn_lanes bigint[];
  v_dones bigint[];
  v_stuck bigint[];
  v_lanes bigint[];
  v_seqs bigint[];
  v_fates text[];
  v_targets bigint[];
  v_locked int;
  v_first bigint;
BEGIN
  moved := 0;
  targets := '{}';
  nothing_left := false;
  FOR v_part IN 1..8 LOOP
    v_now := {clock};
    CONTINUE WHEN (SELECT t.lane FROM howdah.fifo_turn t
                    WHERE t.queue_id = p_queue_id AND t.part = v_part AND t.available_at <= v_now
                      AND (SELECT m.sent_at FROM howdah.message m WHERE m.queue_id = p_queue_id AND m.lane = t.lane
                              AND m.seq > t.done ORDER BY m.seq LIMIT 1) <= p_since
                    ORDER BY t.available_at LIMIT 1) IS NULL;
    PERFORM 1 FROM howdah.claim_lock c WHERE c.queue_id = p_queue_id AND c.lane = v_part FOR UPDATE;
    v_now := {clock};
    PERFORM 1 FROM howdah.queue q WHERE q.queue_id = p_queue_id AND q.deleted_at IS NULL;
    IF NOT FOUND THEN RAISE serialization_failure USING MESSAGE = 'howdah: the source of a move task was purged'; END IF;
    SELECT array_agg(x.lane), array_agg(x.done) INTO v_turn_lanes, v_dones
      FROM (SELECT t.lane, t.done FROM howdah.fifo_turn t
             WHERE t.queue_id = p_queue_id AND t.part = v_part AND t.available_at <= v_now
               AND (SELECT m.sent_at FROM howdah.message m WHERE m.queue_id = p_queue_id AND m.lane = t.lane
                       AND m.seq > t.done ORDER BY m.seq LIMIT 1) <= p_since
             ORDER BY t.available_at LIMIT p_rows) x;
    CONTINUE WHEN v_turn_lanes IS NULL;

    WITH head AS (
           SELECT g.o, g.lane, m.*,
                  bool_and(m.sent_at <= p_since
                           AND coalesce(d.visible_at, m.sent_at + p_delay * interval '1 second') <= v_now)
                    OVER (PARTITION BY g.o ORDER BY m.seq) AS free
             FROM unnest(v_turn_lanes, v_dones) WITH ORDINALITY g(lane, done, o)
             CROSS JOIN LATERAL (SELECT x.seq, x.sent_at, coalesce(p_destination, x.source_queue) AS target_name,
                                        octet_length(x.body) + coalesce(octet_length(x.message_attributes), 0) AS bytes
                                   FROM howdah.message x WHERE x.queue_id = p_queue_id AND x.lane = g.lane
                                    AND x.seq > g.done
                                  ORDER BY x.seq LIMIT p_rows / cardinality(v_turn_lanes) + 1) m
             LEFT JOIN LATERAL (SELECT y.visible_at FROM howdah.fifo_delivery y
                                 WHERE y.queue_id = p_queue_id AND y.lane = g.lane AND y.seq = m.seq OFFSET 0) d ON true),
         fate AS (
           SELECT h.o, h.lane, h.seq, h.bytes, h.free, q.queue_id AS target,
                  CASE WHEN h.sent_at <= v_now - p_retention * interval '1 second' THEN 'expired'
                       WHEN h.target_name IS NULL THEN 'CouldNotDetermineMessageSource'
                       WHEN q.queue_id IS NULL THEN 'AWS.SimpleQueueService.NonExistentQueue'
                       ELSE 'moves' END AS fate
             FROM head h
             LEFT JOIN LATERAL (SELECT x.queue_id FROM howdah.queue x WHERE x.account = p_account AND x.name = h.target_name
                                   AND x.deleted_at IS NULL OFFSET 0) q ON true),
         cut AS (
           SELECT f.*, bool_or(f.fate NOT IN ('expired', 'moves')) OVER w AS failed,
                  count(*) OVER w > p_rows
                    OR sum(f.bytes) OVER w > p_bytes AND count(*) OVER w > 1 AS is_full
             FROM fate f WHERE f.free WINDOW w AS (ORDER BY f.o, f.seq))
    SELECT array_agg(c.lane ORDER BY c.o, c.seq) FILTER (WHERE NOT c.failed),
           array_agg(c.seq ORDER BY c.o, c.seq) FILTER (WHERE NOT c.failed),
           array_agg(c.fate ORDER BY c.o, c.seq) FILTER (WHERE NOT c.failed),
           array_agg(c.target ORDER BY c.o, c.seq) FILTER (WHERE NOT c.failed),
           (array_agg(c.fate ORDER BY c.o, c.seq) FILTER (WHERE c.failed))[1],
           array_agg(DISTINCT c.target) FILTER (WHERE NOT c.failed AND c.fate = 'moves'),
           (SELECT array_agg(DISTINCT f.lane) FROM fate f WHERE NOT f.free)
      INTO v_lanes, v_seqs, v_fates, v_targets, failure, targets, v_stuck
      FROM cut c WHERE NOT c.is_full;
    targets := coalesce(targets, '{}');

    IF v_lanes IS NOT NULL THEN
      SELECT count(*) INTO v_locked
        FROM (SELECT t FROM unnest(targets) t ORDER BY t) q
        CROSS JOIN LATERAL (SELECT 1 FROM howdah.send_lock s WHERE s.queue_id = q.t AND s.lane = v_part
                            OFFSET 0 FOR UPDATE) l;
      IF v_locked <> cardinality(targets) THEN
        RAISE serialization_failure USING MESSAGE = 'howdah: the target of a move task was purged';
      END IF;
      v_now := {clock};
      v_first := nextval('howdah.fifo_seq');
      INSERT INTO howdah.message (queue_id, lane, seq, sent_at, message_id, body, message_attributes, sender_id,
                                  trace_header, message_group_id, message_deduplication_id)
      SELECT u.target, u.lane, u.seq, v_now, gen_random_uuid(), m.body, m.message_attributes, m.sender_id, m.trace_header,
             m.message_group_id, m.message_deduplication_id
        FROM (SELECT x.lane, x.seq AS old_seq, x.target, nextval('howdah.fifo_seq') AS seq
                FROM unnest(v_lanes, v_seqs, v_targets, v_fates) x(lane, seq, target, fate)
               WHERE x.fate = 'moves' OFFSET 0) u
        CROSS JOIN LATERAL (SELECT * FROM howdah.message x WHERE x.queue_id = p_queue_id AND x.lane = u.lane
                               AND x.seq = u.old_seq OFFSET 0) m;
      GET DIAGNOSTICS moved = ROW_COUNT;
      WITH arrived AS MATERIALIZED (
             SELECT x.target, count(*) AS n FROM unnest(v_targets, v_fates) x(target, fate) WHERE x.fate = 'moves' GROUP BY 1),
           total AS MATERIALIZED (
             SELECT a.target, a.n, c.hi, c.t FROM arrived a
               CROSS JOIN LATERAL (SELECT x.hi, x.ctid AS t FROM howdah.lane_cursor x WHERE x.queue_id = a.target
                                      AND x.lane = -v_part ORDER BY x.hi DESC LIMIT 1) c),
           next AS (
             INSERT INTO howdah.lane_cursor (queue_id, lane, hi) SELECT t.target, -v_part, t.hi + t.n FROM total t)
      DELETE FROM howdah.lane_cursor WHERE ctid = ANY (ARRAY(SELECT t.t FROM total t));
      INSERT INTO howdah.fifo_turn (queue_id, lane, version, done, available_at, part)
      SELECT g.target, g.lane, nextval('howdah.fifo_seq'), v_first, v_now, v_part
        FROM (SELECT DISTINCT x.target, x.lane FROM unnest(v_targets, v_lanes, v_fates) x(target, lane, fate)
               WHERE x.fate = 'moves') g
       WHERE (SELECT t.version FROM howdah.fifo_turn t WHERE t.queue_id = g.target AND t.lane = g.lane
              ORDER BY t.version DESC LIMIT 1) IS NULL;
      PERFORM {call:remove_fifo_messages}(p_queue_id, v_lanes, v_seqs);
    END IF;
    -- The groups that were moved from, and those that were said to be available and are not.
    PERFORM {call:refresh_turns}(p_queue_id, coalesce(v_lanes, '{}') || coalesce(v_stuck, '{}'), p_delay, v_now);
    RETURN;  -- send locks are held: another partition's claim lock would be waited for out of order
  END LOOP;
  nothing_left := true;
END $$;
