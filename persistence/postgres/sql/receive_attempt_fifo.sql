-- A repeated ReceiveRequestAttemptId on a FIFO queue: hands out again what the first call under the id was given, under the
-- same delivery numbers and with the visibility timeout anew, if it is all still in flight as it was and young enough.
-- Parameters: the queue as it was checked, its delay and retention in seconds.
-- Answers the messages as receive_fifo does, and a last row: receive 0; or receive -1, the queue is not the one that was
-- checked; or receive -2, there is nothing to repeat: an ordinary receive follows, whose messages note_attempt_fifo notes.
-- What is void stays so, and is found without a lock: the ordinary receive waits for a claim lock in this transaction, and
-- must hold none before. What became void while the locks were taken is answered as -1, to be asked again.
-- Locks: where there is something to repeat, the claim locks of the messages' partitions, in order. A call under the same id
-- that is still under way is waited for: the row is made first.
CREATE FUNCTION howdah.{name}(
  p_queue_id bigint, p_version bigint, p_delay int, p_retention bigint, p_attempt_id text, p_timeout int)
RETURNS TABLE (receive int, lane bigint, seq bigint, sent_at timestamptz, received_at timestamptz,
               first_received_at timestamptz, receive_count int, message_id uuid, body text, message_attributes bytea,
               sender_id text, trace_header text, message_group_id text, message_deduplication_id text,
               source_queue text, floors timestamptz[], next_due timestamptz)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz;
  v_attempt howdah.fifo_attempt;
  v_deliveries tid[];
  v_outcome int := -2;
BEGIN
  INSERT INTO howdah.fifo_attempt (queue_id, attempt_id, expires_at, lanes, seqs, counts)
  VALUES (p_queue_id, p_attempt_id, '-infinity', '{}', '{}', '{}') ON CONFLICT DO NOTHING;
  SELECT a.* INTO v_attempt FROM howdah.fifo_attempt a WHERE a.queue_id = p_queue_id AND a.attempt_id = p_attempt_id
     FOR UPDATE;
  LOOP
    v_now := {clock};
    EXIT WHEN v_attempt.expires_at <= v_now OR cardinality(v_attempt.lanes) = 0;
    SELECT array_agg(d.t) INTO v_deliveries
      FROM unnest(v_attempt.lanes, v_attempt.seqs, v_attempt.counts) u(lane, seq, receive_count)
      CROSS JOIN LATERAL (SELECT x.ctid AS t FROM howdah.fifo_delivery x WHERE x.queue_id = p_queue_id
                             AND x.lane = u.lane AND x.seq = u.seq AND x.receive_count = u.receive_count
                             AND x.visible_at > v_now AND x.changed_at IS NULL
                             AND (SELECT m.sent_at FROM howdah.message m WHERE m.queue_id = p_queue_id AND m.lane = u.lane
                                     AND m.seq = u.seq) > v_now - p_retention * interval '1 second' OFFSET 0) d;
    EXIT WHEN cardinality(v_deliveries) IS DISTINCT FROM cardinality(v_attempt.lanes);
    IF v_outcome = -2 THEN
      v_outcome := -1;
      PERFORM 1 FROM (SELECT DISTINCT (x & 7) + 1 AS part FROM unnest(v_attempt.lanes) x ORDER BY 1) p
        CROSS JOIN LATERAL (SELECT 1 FROM howdah.claim_lock c WHERE c.queue_id = p_queue_id AND c.lane = p.part
                            OFFSET 0 FOR UPDATE) l;
      PERFORM 1 FROM howdah.queue q WHERE q.queue_id = p_queue_id AND q.version = p_version AND q.deleted_at IS NULL;
      EXIT WHEN NOT FOUND;
      CONTINUE;
    END IF;
    v_outcome := 0;
    UPDATE howdah.fifo_delivery d SET visible_at = v_now + p_timeout * interval '1 second'
     WHERE d.ctid = ANY (v_deliveries);
    PERFORM {call:refresh_turns}(p_queue_id, v_attempt.lanes, p_delay, v_now);
    RETURN QUERY
      SELECT 1, u.lane, u.seq, m.sent_at, d.received_at, d.first_received_at, u.receive_count, m.message_id, m.body,
             m.message_attributes, m.sender_id, m.trace_header, m.message_group_id, m.message_deduplication_id,
             m.source_queue, NULL::timestamptz[], NULL::timestamptz
        FROM unnest(v_attempt.lanes, v_attempt.seqs, v_attempt.counts) WITH ORDINALITY u(lane, seq, receive_count, ord)
        CROSS JOIN LATERAL (SELECT * FROM howdah.message x WHERE x.queue_id = p_queue_id AND x.lane = u.lane
                               AND x.seq = u.seq OFFSET 0) m
        CROSS JOIN LATERAL (SELECT y.received_at, y.first_received_at FROM howdah.fifo_delivery y
                             WHERE y.queue_id = p_queue_id AND y.lane = u.lane AND y.seq = u.seq OFFSET 0) d
       ORDER BY u.ord;
    EXIT;
  END LOOP;
  RETURN QUERY SELECT v_outcome, NULL::bigint, NULL::bigint, NULL::timestamptz, v_now, NULL::timestamptz, NULL::int,
    NULL::uuid, NULL::text, NULL::bytea, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::timestamptz[],
    NULL::timestamptz;
END $$;
