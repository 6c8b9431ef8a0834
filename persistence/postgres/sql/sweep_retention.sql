-- Deletes up to about p_rows messages that are older than their queue's retention (p_default_retention in seconds, where the
-- queue sets none). Nothing a client sees waits for this: receives never hand out what is too old.
-- Answers how many rows were deleted, whether there is more to do now, and how many messages were found too old here: what a
-- receive passed was its finding.
-- Locks: delivery rows and claim locks, by SKIP LOCKED. Costs a probe or two an idle queue, a walk over the groups of a FIFO
-- queue, and over the delivery rows of a queue that has something old in front.
CREATE FUNCTION howdah.{name}(p_rows int, p_default_retention bigint, OUT rows_deleted bigint, OUT more boolean,
                              OUT messages bigint)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := {clock};
  v_queue record;
  v_range howdah.expired_range;
  v_due tid[];
  v_lanes bigint[];
  v_seqs bigint[];
  v_count bigint;
  v_hi bigint;
BEGIN
  rows_deleted := 0;
  messages := 0;
  -- What receives passed.
  FOR v_range IN SELECT r.* FROM howdah.expired_range r LIMIT 100 FOR UPDATE SKIP LOCKED LOOP
    DELETE FROM howdah.message WHERE ctid = ANY (ARRAY(
      SELECT m.ctid FROM howdah.message m WHERE m.queue_id = v_range.queue_id AND m.lane = v_range.lane
         AND m.seq BETWEEN v_range.first_seq AND v_range.last_seq LIMIT p_rows - rows_deleted));
    GET DIAGNOSTICS v_count = ROW_COUNT;
    rows_deleted := rows_deleted + v_count;
    IF rows_deleted >= p_rows THEN
      more := true;
      RETURN;
    END IF;
    DELETE FROM howdah.expired_range r WHERE r.queue_id = v_range.queue_id AND r.lane = v_range.lane
       AND r.first_seq = v_range.first_seq;
  END LOOP;

  more := false;
  FOR v_queue IN
    SELECT q.queue_id, q.fifo, q.oldest, coalesce((q.attributes ->> 'DelaySeconds')::int, 0) AS delay
      FROM (SELECT x.*, coalesce(x.attributes ->> 'FifoQueue' = 'true', false) AS fifo,
                   v_now - coalesce((x.attributes ->> 'MessageRetentionPeriod')::bigint, p_default_retention)
                           * interval '1 second' AS oldest
              FROM howdah.queue x WHERE x.deleted_at IS NULL) q
     WHERE q.fifo
        OR (SELECT m.sent_at FROM howdah.message m WHERE m.queue_id = q.queue_id AND m.lane = 0
             ORDER BY m.seq LIMIT 1) <= q.oldest
        OR (SELECT m.sent_at FROM howdah.message m WHERE m.queue_id = q.queue_id AND m.lane = 1
             ORDER BY m.seq LIMIT 1) <= q.oldest
  LOOP
    IF v_queue.fifo THEN
      -- Groups whose head is too old; then what is too old of them, in flight or not.
      SELECT array_agg(g.lane) INTO v_lanes
        FROM (SELECT t.lane FROM howdah.fifo_turn t
               WHERE t.queue_id = v_queue.queue_id
                 AND (SELECT m.sent_at FROM howdah.message m WHERE m.queue_id = v_queue.queue_id AND m.lane = t.lane
                         AND m.seq > t.done ORDER BY m.seq LIMIT 1) <= v_queue.oldest
               LIMIT 100) g;
      CONTINUE WHEN v_lanes IS NULL;
      SELECT array_agg(l.lane) INTO v_seqs
        FROM (SELECT DISTINCT (x & 7) + 1 AS part FROM unnest(v_lanes) x ORDER BY 1) p
        CROSS JOIN LATERAL (SELECT c.lane FROM howdah.claim_lock c WHERE c.queue_id = v_queue.queue_id
                               AND c.lane = p.part OFFSET 0 FOR UPDATE SKIP LOCKED) l;
      SELECT array_agg(m.lane), array_agg(m.seq) INTO v_lanes, v_seqs
        FROM (SELECT x.lane, x.seq FROM unnest(v_lanes) g(lane)
                CROSS JOIN LATERAL (SELECT y.lane, y.seq, y.sent_at FROM howdah.message y
                                     WHERE y.queue_id = v_queue.queue_id AND y.lane = g.lane ORDER BY y.seq LIMIT 100) x
               WHERE (g.lane & 7) + 1 = ANY (v_seqs) AND x.sent_at <= v_queue.oldest
               LIMIT p_rows - rows_deleted) m;
      CONTINUE WHEN v_lanes IS NULL;
      PERFORM {call:remove_fifo_messages}(v_queue.queue_id, v_lanes, v_seqs);
      PERFORM {call:refresh_turns}(v_queue.queue_id, v_lanes, v_queue.delay, v_now);
      rows_deleted := rows_deleted + cardinality(v_lanes);
      messages := messages + cardinality(v_lanes);
      more := true;
    ELSE
      SELECT array_agg(x.t) INTO v_due
        FROM (SELECT d.ctid AS t FROM howdah.delivery d
                CROSS JOIN LATERAL (SELECT m.sent_at FROM howdah.message m WHERE m.queue_id = d.queue_id AND m.lane = d.lane
                                       AND m.seq = d.seq OFFSET 0) m
               WHERE d.queue_id = v_queue.queue_id AND m.sent_at <= v_queue.oldest
               ORDER BY d.lane, d.seq LIMIT p_rows - rows_deleted FOR UPDATE OF d SKIP LOCKED) x;
      IF v_due IS NOT NULL THEN
        PERFORM {call:expire_deliveries}(v_queue.queue_id, v_due);
        rows_deleted := rows_deleted + cardinality(v_due);
        messages := messages + cardinality(v_due);
        more := true;
      END IF;
      PERFORM 1 FROM howdah.claim_lock c WHERE c.queue_id = v_queue.queue_id AND c.lane = 1 FOR UPDATE SKIP LOCKED;
      IF FOUND AND (SELECT m.sent_at FROM howdah.message m WHERE m.queue_id = v_queue.queue_id AND m.lane = 1 AND m.seq >
                      (SELECT c.hi FROM howdah.lane_cursor c WHERE c.queue_id = v_queue.queue_id AND c.lane = 1
                        ORDER BY c.hi DESC LIMIT 1) ORDER BY m.seq LIMIT 1) <= v_queue.oldest THEN
        v_hi := (SELECT c.hi FROM howdah.lane_cursor c WHERE c.queue_id = v_queue.queue_id AND c.lane = 1
                  ORDER BY c.hi DESC LIMIT 1);
        messages := messages + {call:expire_lane}(v_queue.queue_id, 1, v_queue.oldest) - v_hi;
        more := true;
      END IF;
    END IF;
    EXIT WHEN rows_deleted >= p_rows;
  END LOOP;
END $$;
