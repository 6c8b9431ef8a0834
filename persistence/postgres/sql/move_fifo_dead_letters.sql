-- Moves messages of a FIFO queue to its FIFO dead-letter queue, each group's in order behind what the target has of it: same
-- message id, which becomes the deduplication id there; new sequence and sent time; the count of receives goes on, and
-- count_at_move lets the target's own redrive policy start anew. Removes them from the source.
-- Called within transactions that hold the claim locks of the groups' partitions in the source; refresh_turns follows.
-- Answers the target's queue_id, or NULL if there is no such queue: nothing was moved then.
-- Locks: the send locks of the target's partitions, in order: claim locks first, then send locks, as everywhere.
CREATE FUNCTION howdah.{name}(
  p_queue_id bigint, p_source text, p_target_account text, p_target_name text, p_lanes bigint[], p_seqs bigint[],
  p_now timestamptz)
RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_target bigint;
  v_first bigint;
BEGIN
  FOR v_attempt IN 1..3 LOOP  -- it may be purged while we wait: look for the incarnation that followed
    SELECT q.queue_id INTO v_target FROM howdah.queue q
     WHERE q.account = p_target_account AND q.name = p_target_name AND q.deleted_at IS NULL;
    EXIT WHEN NOT FOUND;
    PERFORM 1 FROM (SELECT DISTINCT (x & 7) + 1 AS part FROM unnest(p_lanes) x ORDER BY 1) p
      CROSS JOIN LATERAL (SELECT 1 FROM howdah.send_lock s WHERE s.queue_id = v_target AND s.lane = p.part
                          OFFSET 0 FOR UPDATE) l;
    EXIT WHEN FOUND;
    v_target := NULL;
  END LOOP;
  IF v_target IS NULL THEN RETURN NULL; END IF;

  v_first := nextval('howdah.fifo_seq');
  WITH dead AS MATERIALIZED (
         SELECT m.*, d.receive_count, d.first_received_at, nextval('howdah.fifo_seq') AS new_seq
           FROM unnest(p_lanes, p_seqs) WITH ORDINALITY u(lane, seq, ord)
           CROSS JOIN LATERAL (SELECT * FROM howdah.message x WHERE x.queue_id = p_queue_id AND x.lane = u.lane
                                  AND x.seq = u.seq OFFSET 0) m
           CROSS JOIN LATERAL (SELECT x.receive_count, x.first_received_at FROM howdah.fifo_delivery x
                                WHERE x.queue_id = p_queue_id AND x.lane = u.lane AND x.seq = u.seq OFFSET 0) d),
       moved AS (
         INSERT INTO howdah.message (queue_id, lane, seq, sent_at, message_id, body, message_attributes, sender_id,
                                     trace_header, message_group_id, message_deduplication_id, source_queue)
         SELECT v_target, d.lane, d.new_seq, p_now, d.message_id, d.body, d.message_attributes, d.sender_id,
                d.trace_header, d.message_group_id, d.message_id::text, p_source FROM dead d)
  INSERT INTO howdah.fifo_delivery (queue_id, lane, seq, visible_at, first_received_at, receive_count, count_at_move)
  SELECT v_target, d.lane, d.new_seq, p_now, d.first_received_at, d.receive_count, d.receive_count FROM dead d;

  WITH arrived AS (SELECT -((x & 7) + 1) AS counter, count(*) AS n FROM unnest(p_lanes) x GROUP BY 1),
       total AS MATERIALIZED (
         SELECT a.counter, a.n, c.hi, c.t FROM arrived a
           CROSS JOIN LATERAL (SELECT x.hi, x.ctid AS t FROM howdah.lane_cursor x WHERE x.queue_id = v_target
                                  AND x.lane = a.counter ORDER BY x.hi DESC LIMIT 1) c),
       next AS (INSERT INTO howdah.lane_cursor (queue_id, lane, hi) SELECT v_target, t.counter, t.hi + t.n FROM total t)
  DELETE FROM howdah.lane_cursor WHERE ctid = ANY (ARRAY(SELECT t.t FROM total t));
  INSERT INTO howdah.fifo_turn (queue_id, lane, version, done, available_at, part)
  SELECT v_target, g.lane, nextval('howdah.fifo_seq'), v_first, p_now, (g.lane & 7) + 1
    FROM (SELECT DISTINCT x AS lane FROM unnest(p_lanes) x) g
   WHERE (SELECT t.version FROM howdah.fifo_turn t WHERE t.queue_id = v_target AND t.lane = g.lane
          ORDER BY t.version DESC LIMIT 1) IS NULL;
  PERFORM {call:remove_fifo_messages}(p_queue_id, p_lanes, p_seqs);
  RETURN v_target;
END $$;
