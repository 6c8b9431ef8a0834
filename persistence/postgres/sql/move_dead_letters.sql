-- Moves messages of a standard queue to the aside lane of its dead-letter queue: same message id and sent time, receivable
-- at once; the count of receives goes on, and count_at_move lets the target's own redrive policy start anew.
-- Parameters: p_deliveries, delivery rows that this transaction locked in an earlier statement; p_source, the name of the
-- queue they are in.
-- Answers the target's queue_id, or NULL if there is no such queue: nothing was moved then.
-- Locks: KEY SHARE on the target's aside lane, which holds off its purge and deletion.
CREATE FUNCTION howdah.{name}(
  p_queue_id bigint, p_source text, p_target_account text, p_target_name text, p_deliveries tid[], p_now timestamptz)
RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_target bigint;
BEGIN
  FOR v_attempt IN 1..3 LOOP  -- it may be purged while we wait: look for the incarnation that followed
    SELECT q.queue_id INTO v_target FROM howdah.queue q
     WHERE q.account = p_target_account AND q.name = p_target_name AND q.deleted_at IS NULL;
    EXIT WHEN NOT FOUND;
    PERFORM 1 FROM howdah.send_lock s WHERE s.queue_id = v_target AND s.lane = 0 FOR KEY SHARE;
    EXIT WHEN FOUND;
    v_target := NULL;
  END LOOP;
  IF v_target IS NULL THEN RETURN NULL; END IF;

  WITH dead AS MATERIALIZED (
         SELECT d.lane, d.seq, d.receive_count, d.first_received_at, nextval('howdah.aside_seq') AS new_seq, m.t AS message,
                m.sent_at, m.message_id, m.body, m.message_attributes, m.sender_id, m.trace_header, m.message_group_id
           FROM unnest(p_deliveries) u(t)
           CROSS JOIN LATERAL (SELECT * FROM howdah.delivery x WHERE x.ctid = u.t OFFSET 0) d
           CROSS JOIN LATERAL (SELECT x.ctid AS t, x.* FROM howdah.message x WHERE x.queue_id = p_queue_id
                                  AND x.lane = d.lane AND x.seq = d.seq OFFSET 0) m),
       moved AS (
         INSERT INTO howdah.message (queue_id, lane, seq, sent_at, message_id, body, message_attributes, sender_id,
                                     trace_header, message_group_id, source_queue)
         SELECT v_target, 0, d.new_seq, d.sent_at, d.message_id, d.body, d.message_attributes, d.sender_id,
                d.trace_header, d.message_group_id, p_source FROM dead d),
       due AS (
         INSERT INTO howdah.delivery (queue_id, lane, seq, visible_at, first_received_at, receive_count, count_at_move,
                                      moved_at)
         SELECT v_target, 0, d.new_seq, p_now, d.first_received_at, d.receive_count, d.receive_count, p_now FROM dead d),
       gone AS (DELETE FROM howdah.message WHERE ctid = ANY (ARRAY(SELECT d.message FROM dead d)))
  DELETE FROM howdah.delivery WHERE ctid = ANY (p_deliveries);
  RETURN v_target;
END $$;
