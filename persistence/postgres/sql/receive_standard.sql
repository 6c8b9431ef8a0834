-- Hands out up to one message for each element of p_timeouts (visibility timeouts in seconds) of one standard queue:
-- due rows first, then the log, then worn rows (received three times or more), which so cannot starve the others.
-- p_floor_fresh and p_floor_worn: only dead rows of a due list lie at or below; p_slack: how many microseconds the commit of a
-- transaction that makes a row due may take, rows are looked for again that far back.
-- p_retention in seconds: older messages are not handed out but deleted. p_max_receives (NULL: no redrive policy): a message
-- received so often already goes to the dead-letter queue p_target_* instead, in this transaction; p_source is our name. If
-- there is no such queue the message is handed out all the same. At most a hundred or so go either way in one call.
-- Answers the messages, each with the slot whose timeout it took (ascending, from 1, may have gaps), and a last row with
-- slot 0: received_at is the time of the claim, floor_fresh, floor_worn and next_due (only if nothing was handed out) are
-- for the caller; lane is the dead-letter queue if seq messages were moved there, receive_count how many were too old. A
-- last row with slot -1 instead: the queue is not the one that was checked, nothing was handed out.
-- Locks: the delivery rows it takes, by SKIP LOCKED, since standard queues promise no order; then a lane's claim lock.
-- Uses delivery_due_fresh, delivery_due_worn and the primary keys.
CREATE FUNCTION howdah.{name}(
  p_queue_id bigint, p_version bigint, p_timeouts int[], p_floor_fresh timestamptz, p_floor_worn timestamptz,
  p_slack bigint, p_retention bigint, p_max_receives int, p_source text, p_target_account text, p_target_name text)
RETURNS TABLE (slot int, lane bigint, seq bigint, sent_at timestamptz, received_at timestamptz,
               first_received_at timestamptz, receive_count int, message_id uuid, body text, message_attributes bytea,
               sender_id text, trace_header text, message_group_id text, source_queue text,
               floor_fresh timestamptz, floor_worn timestamptz, next_due timestamptz)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
  v_want int := cardinality(p_timeouts);
  v_got int := 0;
  v_start timestamptz := {clock};
  v_now timestamptz := v_start;
  v_oldest timestamptz := v_start - p_retention * interval '1 second';  -- what was sent at or before this is too old
  v_checked boolean := false;
  v_due tid[];
  v_old tid[];
  v_dead tid[];
  v_target bigint;
  v_moved_to bigint;
  v_moved bigint := 0;
  v_expired bigint := 0;
  v_gone bigint := 0;  -- due rows moved or expired
  v_lane bigint;
  v_hi bigint;
  v_count int;
  v_new_hi bigint;
  v_low_fresh timestamptz;
  v_low_worn timestamptz;
  v_next timestamptz;
BEGIN
  FOR v_class IN 0..1 LOOP
    IF v_class = 1 THEN  -- between what is fresh and what is worn: the log
      FOR v_lane IN SELECT c.lane FROM howdah.claim_lock c WHERE c.queue_id = p_queue_id AND c.lane > 0 ORDER BY c.lane
      LOOP
        EXIT WHEN v_got >= v_want;
        -- A look without the lock: an empty lane is not worth waiting for.
        CONTINUE WHEN (SELECT m.seq FROM howdah.message m
                        WHERE m.queue_id = p_queue_id AND m.lane = v_lane
                          AND m.seq > (SELECT c.hi FROM howdah.lane_cursor c WHERE c.queue_id = p_queue_id
                                          AND c.lane = v_lane ORDER BY c.hi DESC LIMIT 1)
                        ORDER BY m.seq LIMIT 1) IS NULL;
        -- Who already has something does not wait for a neighbour; who has nothing does, or it would answer empty.
        IF v_got > 0 THEN
          PERFORM 1 FROM howdah.claim_lock c WHERE c.queue_id = p_queue_id AND c.lane = v_lane FOR UPDATE SKIP LOCKED;
        ELSE
          PERFORM 1 FROM howdah.claim_lock c WHERE c.queue_id = p_queue_id AND c.lane = v_lane FOR UPDATE;
        END IF;
        CONTINUE WHEN NOT FOUND;
        v_now := {clock};
        v_oldest := v_now - p_retention * interval '1 second';
        -- New statements from here: their snapshots are younger than the lock.
        SELECT c.hi INTO v_hi FROM howdah.lane_cursor c WHERE c.queue_id = p_queue_id AND c.lane = v_lane
         ORDER BY c.hi DESC LIMIT 1;
        IF (SELECT m.sent_at FROM howdah.message m WHERE m.queue_id = p_queue_id AND m.lane = v_lane AND m.seq > v_hi
             ORDER BY m.seq LIMIT 1) <= v_oldest THEN
          v_expired := v_expired - v_hi;
          v_hi := {call:expire_lane}(p_queue_id, v_lane, v_oldest);
          v_expired := v_expired + v_hi;
        END IF;
        RETURN QUERY
          WITH taken AS MATERIALIZED (
                 SELECT v_got + row_number() OVER ()::int AS slot, m.*
                   FROM (SELECT * FROM howdah.message m WHERE m.queue_id = p_queue_id AND m.lane = v_lane AND m.seq > v_hi
                          ORDER BY m.seq LIMIT v_want - v_got) m),
               handed AS (
                 INSERT INTO howdah.delivery (queue_id, lane, seq, visible_at, received_at, first_received_at,
                                              receive_count)
                 SELECT p_queue_id, v_lane, t.seq, v_now + p_timeouts[t.slot] * interval '1 second', v_now, v_now, 1
                   FROM taken t)
          SELECT t.slot, v_lane, t.seq, t.sent_at, v_now, v_now, 1, t.message_id, t.body, t.message_attributes,
                 t.sender_id, t.trace_header, t.message_group_id, t.source_queue, NULL::timestamptz, NULL::timestamptz,
                 NULL::timestamptz
            FROM taken t;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        IF v_count > 0 THEN
          v_got := v_got + v_count;
          SELECT d.seq INTO v_new_hi FROM howdah.delivery d WHERE d.queue_id = p_queue_id AND d.lane = v_lane
           ORDER BY d.seq DESC LIMIT 1;
          IF v_new_hi <> v_hi + v_count THEN
            RAISE WARNING 'howdah: lane % of queue % is not dense between % and %', v_lane, p_queue_id, v_hi, v_new_hi;
          END IF;
          INSERT INTO howdah.lane_cursor (queue_id, lane, hi) VALUES (p_queue_id, v_lane, v_new_hi);
          DELETE FROM howdah.lane_cursor c WHERE c.queue_id = p_queue_id AND c.lane = v_lane AND c.hi = v_hi;
        END IF;
      END LOOP;
    END IF;

    -- What is due of this class: locked once, then handed out, moved or deleted. By ctid, since rows that were locked in an
    -- earlier statement cannot have moved.
    WHILE v_got < v_want AND v_gone <= 100 LOOP
      IF v_class = 0 THEN
        SELECT array_agg(x.t) FILTER (WHERE x.sent_at > v_oldest AND (x.received >= p_max_receives) IS NOT TRUE),
               array_agg(x.t) FILTER (WHERE x.sent_at > v_oldest AND x.received >= p_max_receives),
               array_agg(x.t) FILTER (WHERE x.sent_at <= v_oldest)
          INTO v_due, v_dead, v_old
          FROM (SELECT d.ctid AS t, d.receive_count - d.count_at_move AS received,
                       (SELECT m.sent_at FROM howdah.message m WHERE m.queue_id = p_queue_id AND m.lane = d.lane
                           AND m.seq = d.seq) AS sent_at
                  FROM howdah.delivery d
                 WHERE d.queue_id = p_queue_id AND d.receive_count < 3 AND d.visible_at > p_floor_fresh
                   AND d.visible_at <= v_now
                 ORDER BY d.visible_at LIMIT v_want - v_got FOR UPDATE SKIP LOCKED) x;
      ELSE
        SELECT array_agg(x.t) FILTER (WHERE x.sent_at > v_oldest AND (x.received >= p_max_receives) IS NOT TRUE),
               array_agg(x.t) FILTER (WHERE x.sent_at > v_oldest AND x.received >= p_max_receives),
               array_agg(x.t) FILTER (WHERE x.sent_at <= v_oldest)
          INTO v_due, v_dead, v_old
          FROM (SELECT d.ctid AS t, d.receive_count - d.count_at_move AS received,
                       (SELECT m.sent_at FROM howdah.message m WHERE m.queue_id = p_queue_id AND m.lane = d.lane
                           AND m.seq = d.seq) AS sent_at
                  FROM howdah.delivery d
                 WHERE d.queue_id = p_queue_id AND d.receive_count >= 3 AND d.visible_at > p_floor_worn
                   AND d.visible_at < v_start  -- not what this claim made worn with a timeout of 0: never twice
                 ORDER BY d.visible_at LIMIT v_want - v_got FOR UPDATE SKIP LOCKED) x;
      END IF;
      IF NOT v_checked THEN
        -- After the first locks: a purge, deletion or change that came before them is seen here.
        PERFORM 1 FROM howdah.queue q WHERE q.queue_id = p_queue_id AND q.version = p_version AND q.deleted_at IS NULL;
        IF NOT FOUND THEN
          RETURN QUERY SELECT -1, NULL::bigint, NULL::bigint, NULL::timestamptz, v_now, NULL::timestamptz, NULL::int,
            NULL::uuid, NULL::text, NULL::bytea, NULL::text, NULL::text, NULL::text, NULL::text, NULL::timestamptz,
            NULL::timestamptz, NULL::timestamptz;
          RETURN;
        END IF;
        v_checked := true;
      END IF;

      v_count := v_gone;
      IF v_dead IS NOT NULL THEN
        v_target := {call:move_dead_letters}(p_queue_id, p_source, p_target_account, p_target_name, v_dead, v_now);
        IF v_target IS NULL THEN
          v_due := v_due || v_dead;
        ELSE
          v_moved_to := v_target;
          v_moved := v_moved + cardinality(v_dead);
          v_gone := v_gone + cardinality(v_dead);
        END IF;
      END IF;
      IF v_old IS NOT NULL THEN
        PERFORM {call:expire_deliveries}(p_queue_id, v_old);
        v_expired := v_expired + cardinality(v_old);
        v_gone := v_gone + cardinality(v_old);
      END IF;
      IF v_due IS NOT NULL THEN
        RETURN QUERY
          WITH handed AS (
                 UPDATE howdah.delivery d
                    SET visible_at = v_now + p_timeouts[v_got + u.ord] * interval '1 second', received_at = v_now,
                        first_received_at = coalesce(d.first_received_at, v_now), receive_count = d.receive_count + 1
                   FROM unnest(v_due) WITH ORDINALITY u(t, ord)
                  WHERE d.ctid = u.t
              RETURNING v_got + u.ord::int AS slot, d.lane, d.seq, d.first_received_at, d.receive_count)
          SELECT h.slot, h.lane, h.seq, m.sent_at, v_now, h.first_received_at, h.receive_count, m.message_id, m.body,
                 m.message_attributes, m.sender_id, m.trace_header, m.message_group_id, m.source_queue,
                 NULL::timestamptz, NULL::timestamptz, NULL::timestamptz
            FROM handed h
            CROSS JOIN LATERAL (SELECT * FROM howdah.message x WHERE x.queue_id = p_queue_id AND x.lane = h.lane
                                   AND x.seq = h.seq OFFSET 0) m;
        v_got := v_got + cardinality(v_due);
      END IF;
      EXIT WHEN v_gone = v_count;  -- room was left by none that went
    END LOOP;
  END LOOP;

  -- A floor must not pass a row that is due and merely locked, nor one that this claim left: it stays below the lowest.
  SELECT d.visible_at INTO v_low_fresh FROM howdah.delivery d
   WHERE d.queue_id = p_queue_id AND d.receive_count < 3 AND d.visible_at > p_floor_fresh AND d.visible_at <= v_now
   ORDER BY d.visible_at LIMIT 1;
  SELECT d.visible_at INTO v_low_worn FROM howdah.delivery d
   WHERE d.queue_id = p_queue_id AND d.receive_count >= 3 AND d.visible_at > p_floor_worn AND d.visible_at <= v_now
   ORDER BY d.visible_at LIMIT 1;
  IF v_got = 0 THEN
    v_next := least(
      (SELECT d.visible_at FROM howdah.delivery d WHERE d.queue_id = p_queue_id AND d.receive_count < 3
          AND d.visible_at > v_now ORDER BY d.visible_at LIMIT 1),
      (SELECT d.visible_at FROM howdah.delivery d WHERE d.queue_id = p_queue_id AND d.receive_count >= 3
          AND d.visible_at > v_now ORDER BY d.visible_at LIMIT 1));
    -- Due, but somebody holds it, or there was too much to move: worth another look soon.
    IF v_low_fresh IS NOT NULL OR v_low_worn IS NOT NULL THEN
      v_next := least(v_next, v_now + interval '50 milliseconds');
    END IF;
  END IF;
  RETURN QUERY SELECT 0, v_moved_to, v_moved, NULL::timestamptz, v_now, NULL::timestamptz, v_expired::int, NULL::uuid,
    NULL::text, NULL::bytea, NULL::text, NULL::text, NULL::text, NULL::text,
    least(v_now - p_slack * interval '1 microsecond', v_low_fresh - interval '1 microsecond'),
    least(v_now - p_slack * interval '1 microsecond', v_low_worn - interval '1 microsecond'), v_next;
END $$;
