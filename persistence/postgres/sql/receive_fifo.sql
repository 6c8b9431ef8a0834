-- Hands out messages of one FIFO queue: of each group that is available the longest run of messages from its head that
-- are not in flight, at most ten, in order. One call serves several receives.
-- Parameters: the queue as it was checked, its delay and retention in seconds; p_receive: for each message wanted the
-- receive (from 1) that wants it, ascending; p_timeouts: of each receive, in seconds; p_start: which partition to look at
-- first; p_floors: of each partition, at or below which only dead turns lie; p_slack in microseconds, as in
-- receive_standard.
-- p_max_receives (NULL: no redrive policy): a message received so often already goes to the FIFO dead-letter queue p_target_*
-- instead, in this transaction; p_source is our name. If there is no such queue it is handed out all the same.
-- Answers the messages with their receive, in order within each group; a group never spans two receives. A last row with
-- receive 0: received_at is the time of the claim, floors and next_due (only if nothing was handed out) are for the
-- caller; lane is the dead-letter queue if seq messages were moved there, receive_count how many were too old. A last row with receive -1 instead: the queue is not the one that was checked.
-- Locks: claim locks of partitions with something available; the first is waited for, the others only taken when free, so
-- that receives cannot deadlock whatever partition they start at.
CREATE FUNCTION howdah.{name}(
  p_queue_id bigint, p_version bigint, p_delay int, p_retention bigint, p_receive int[], p_timeouts int[], p_start int,
  p_floors timestamptz[], p_slack bigint, p_max_receives int, p_source text, p_target_account text, p_target_name text)
RETURNS TABLE (receive int, lane bigint, seq bigint, sent_at timestamptz, received_at timestamptz,
               first_received_at timestamptz, receive_count int, message_id uuid, body text, message_attributes bytea,
               sender_id text, trace_header text, message_group_id text, message_deduplication_id text,
               source_queue text, floors timestamptz[], next_due timestamptz)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
  v_want int := cardinality(p_receive);
  v_used int := 0;  -- of the wanted places, in order; some stay empty where a group's run was cut
  v_got int := 0;
  v_now timestamptz := {clock};
  v_part int;
  v_holding boolean := false;
  v_missed boolean := false;
  v_turn_lanes bigint[];
  v_dones bigint[];
  v_turns tid[];
  v_lanes bigint[];
  v_seqs bigint[];
  v_places int[];
  v_nths int[];
  v_counts int[];
  v_groups int[];
  v_old_lanes bigint[];
  v_old_seqs bigint[];
  v_dead_lanes bigint[];
  v_dead_seqs bigint[];
  v_target bigint;
  v_moved bigint := 0;
  v_expired int := 0;
  v_max int := p_max_receives;  -- NULL once the dead-letter queue proved to be gone
  v_stale bigint[];
  v_floors timestamptz[] := p_floors;
  v_next timestamptz;
BEGIN
  FOR v_i IN 0..7 LOOP
    EXIT WHEN v_used >= v_want;
    v_part := (p_start + v_i) % 8 + 1;
    CONTINUE WHEN (SELECT t.lane FROM howdah.fifo_turn t WHERE t.queue_id = p_queue_id AND t.part = v_part
                      AND t.available_at > p_floors[v_part] AND t.available_at <= v_now
                    ORDER BY t.available_at LIMIT 1) IS NULL;
    IF v_holding THEN
      PERFORM 1 FROM howdah.claim_lock c WHERE c.queue_id = p_queue_id AND c.lane = v_part FOR UPDATE SKIP LOCKED;
    ELSE
      PERFORM 1 FROM howdah.claim_lock c WHERE c.queue_id = p_queue_id AND c.lane = v_part FOR UPDATE;
    END IF;
    IF NOT FOUND THEN
      v_missed := true;
      CONTINUE;
    END IF;
    v_holding := true;
    v_now := {clock};
    IF v_got = 0 THEN  -- after a lock was waited for: a purge or change that came before is seen here
      PERFORM 1 FROM howdah.queue q WHERE q.queue_id = p_queue_id AND q.version = p_version AND q.deleted_at IS NULL;
      EXIT WHEN NOT FOUND;
    END IF;

    SELECT array_agg(t.lane), array_agg(t.done), array_agg(t.t) INTO v_turn_lanes, v_dones, v_turns
      FROM (SELECT x.lane, x.done, x.ctid AS t FROM howdah.fifo_turn x WHERE x.queue_id = p_queue_id AND x.part = v_part
               AND x.available_at > p_floors[v_part] AND x.available_at <= v_now
             ORDER BY x.available_at LIMIT v_want - v_used) t;
    CONTINUE WHEN v_turn_lanes IS NULL;

    LOOP
      -- The run of each group: its prefix of messages that may be received. What is older than the retention is not
      -- received but deleted, and takes no place.
      WITH head AS (
             SELECT g.o, g.lane, m.seq, coalesce(d.receive_count, 0) AS receive_count,
                    (d.receive_count - d.count_at_move >= v_max) IS TRUE AS dead,
                    m.sent_at <= v_now - p_retention * interval '1 second' AS old,
                    bool_and(coalesce(d.visible_at, m.sent_at + p_delay * interval '1 second') <= v_now)
                      OVER (PARTITION BY g.o ORDER BY m.seq) AS free
               FROM unnest(v_turn_lanes, v_dones) WITH ORDINALITY g(lane, done, o)
               CROSS JOIN LATERAL (SELECT x.seq, x.sent_at FROM howdah.message x WHERE x.queue_id = p_queue_id
                                      AND x.lane = g.lane AND x.seq > g.done ORDER BY x.seq LIMIT 10) m
               LEFT JOIN LATERAL (SELECT y.receive_count, y.count_at_move, y.visible_at FROM howdah.fifo_delivery y
                                   WHERE y.queue_id = p_queue_id AND y.lane = g.lane AND y.seq = m.seq OFFSET 0) d ON true),
           run AS (
             SELECT h.*, v_used + count(*) FILTER (WHERE NOT h.old AND NOT h.dead) OVER (ORDER BY h.o, h.seq) AS place,
                    count(*) FILTER (WHERE NOT h.old AND NOT h.dead) OVER (PARTITION BY h.o ORDER BY h.seq) AS nth
               FROM head h WHERE h.free),
           cut AS (
             SELECT r.*, NOT r.old AND NOT r.dead AND r.place <= v_want AND p_receive[r.place] = p_receive[r.place - r.nth + 1] AS taken
               FROM run r)
      SELECT array_agg(c.lane ORDER BY c.place) FILTER (WHERE c.taken),
             array_agg(c.seq ORDER BY c.place) FILTER (WHERE c.taken),
             array_agg(c.place::int ORDER BY c.place) FILTER (WHERE c.taken),
             array_agg(c.nth::int ORDER BY c.place) FILTER (WHERE c.taken),
             array_agg(c.receive_count ORDER BY c.place) FILTER (WHERE c.taken),
             array_agg(c.o::int ORDER BY c.place) FILTER (WHERE c.taken),
             array_agg(c.lane ORDER BY c.lane, c.seq) FILTER (WHERE c.old),
             array_agg(c.seq ORDER BY c.lane, c.seq) FILTER (WHERE c.old),
             array_agg(c.lane ORDER BY c.lane, c.seq) FILTER (WHERE c.dead AND NOT c.old),
             array_agg(c.seq ORDER BY c.lane, c.seq) FILTER (WHERE c.dead AND NOT c.old)
        INTO v_lanes, v_seqs, v_places, v_nths, v_counts, v_groups, v_old_lanes, v_old_seqs, v_dead_lanes, v_dead_seqs
        FROM cut c;

      EXIT WHEN v_dead_lanes IS NULL;
      v_target := {call:move_fifo_dead_letters}(p_queue_id, p_source, p_target_account, p_target_name, v_dead_lanes,
                                                v_dead_seqs, v_now);
      EXIT WHEN v_target IS NOT NULL;
      v_max := NULL;  -- there is no dead-letter queue: look again as if there were no redrive policy
    END LOOP;
    v_moved := v_moved + coalesce(cardinality(v_dead_lanes), 0);
    IF v_old_lanes IS NOT NULL THEN
      v_expired := v_expired + cardinality(v_old_lanes);
      PERFORM {call:remove_fifo_messages}(p_queue_id, v_old_lanes, v_old_seqs);
    END IF;
    IF v_lanes IS NOT NULL THEN
      INSERT INTO howdah.fifo_delivery AS d
        (queue_id, lane, seq, visible_at, received_at, first_received_at, receive_count)
      SELECT p_queue_id, u.lane, u.seq, v_now + p_timeouts[p_receive[u.place]] * interval '1 second', v_now, v_now, 1
        FROM unnest(v_lanes, v_seqs, v_places) u(lane, seq, place)
      ON CONFLICT (queue_id, lane, seq) DO UPDATE
        SET visible_at = excluded.visible_at, received_at = excluded.received_at,
            first_received_at = coalesce(d.first_received_at, excluded.first_received_at),
            changed_at = NULL, receive_count = d.receive_count + 1;
      INSERT INTO howdah.fifo_turn (queue_id, lane, version, done, available_at, part)
      SELECT p_queue_id, u.lane, nextval('howdah.fifo_seq'), u.seq - 1,
             v_now + p_timeouts[p_receive[u.place]] * interval '1 second', v_part
        FROM unnest(v_lanes, v_seqs, v_places, v_nths) u(lane, seq, place, nth) WHERE u.nth = 1;
      DELETE FROM howdah.fifo_turn WHERE ctid = ANY (ARRAY(
        SELECT v_turns[u.o] FROM unnest(v_groups, v_nths) u(o, nth) WHERE u.nth = 1));
      RETURN QUERY
        SELECT p_receive[u.place], u.lane, u.seq, m.sent_at, v_now, d.first_received_at, u.receive_count + 1, m.message_id,
               m.body, m.message_attributes, m.sender_id, m.trace_header, m.message_group_id, m.message_deduplication_id,
               m.source_queue, NULL::timestamptz[], NULL::timestamptz
          FROM unnest(v_lanes, v_seqs, v_places, v_counts) WITH ORDINALITY u(lane, seq, place, receive_count, ord)
          CROSS JOIN LATERAL (SELECT * FROM howdah.message x WHERE x.queue_id = p_queue_id AND x.lane = u.lane
                                 AND x.seq = u.seq OFFSET 0) m
          CROSS JOIN LATERAL (SELECT y.first_received_at FROM howdah.fifo_delivery y WHERE y.queue_id = p_queue_id
                                 AND y.lane = u.lane AND y.seq = u.seq OFFSET 0) d
         ORDER BY u.ord;
      v_got := v_got + cardinality(v_lanes);
      v_used := v_places[cardinality(v_places)];
    END IF;
    -- Groups that were said to be available and gave nothing: their turn is set by what is there. Those that only found
    -- no place stay as they are.
    SELECT array_agg(u.lane) INTO v_stale
      FROM unnest(v_turn_lanes, v_dones) u(lane, done)
     WHERE u.lane <> ALL (coalesce(v_lanes, '{}'))
       AND (v_used < v_want OR u.lane = ANY (coalesce(v_old_lanes, '{}'))
                              OR u.lane = ANY (coalesce(v_dead_lanes, '{}')));
    IF v_stale IS NOT NULL THEN
      PERFORM {call:refresh_turns}(p_queue_id, v_stale, p_delay, v_now);
    END IF;
    -- The floor of the partition: below the first turn that is still available, else a slack behind the present.
    v_floors[v_part] := least(v_now - p_slack * interval '1 microsecond',
      (SELECT t.available_at FROM howdah.fifo_turn t WHERE t.queue_id = p_queue_id AND t.part = v_part
          AND t.available_at > p_floors[v_part] AND t.available_at <= v_now ORDER BY t.available_at LIMIT 1)
      - interval '1 microsecond');
    -- The target's locks are held now: those of another partition's could be waited for out of order.
    EXIT WHEN v_moved > 0;
  END LOOP;

  IF v_got = 0 THEN
    PERFORM 1 FROM howdah.queue q WHERE q.queue_id = p_queue_id AND q.version = p_version AND q.deleted_at IS NULL;
    IF NOT FOUND THEN
      RETURN QUERY SELECT -1, NULL::bigint, NULL::bigint, NULL::timestamptz, v_now, NULL::timestamptz, NULL::int,
        NULL::uuid, NULL::text, NULL::bytea, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text,
        NULL::timestamptz[], NULL::timestamptz;
      RETURN;
    END IF;
    SELECT min(x.available_at) INTO v_next
      FROM generate_series(1, 8) p(part)
      CROSS JOIN LATERAL (SELECT t.available_at FROM howdah.fifo_turn t WHERE t.queue_id = p_queue_id
                             AND t.part = p.part AND t.available_at > v_now ORDER BY t.available_at LIMIT 1) x;
    IF v_missed OR v_moved > 0 OR v_expired > 0 THEN v_next := least(v_next, v_now + interval '50 milliseconds'); END IF;
  END IF;
  RETURN QUERY SELECT 0, v_target, v_moved, NULL::timestamptz, v_now, NULL::timestamptz, v_expired, NULL::uuid,
    NULL::text, NULL::bytea, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, v_floors, v_next;
END $$;
