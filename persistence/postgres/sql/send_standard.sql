-- Stores messages of one or many standard queues in one transaction.
-- Parameters: p_queue_ids (distinct, ascending) and p_versions, the queues as they were checked; then one element a
-- message: p_queue (index into p_queue_ids), p_position (1.. among its queue's messages without delay, else 0),
-- p_delay (seconds) and the message itself.
-- Answers, a row a queue: is_current (false: changed, purged or deleted since; none of its messages is stored) and
-- was_empty (nothing lay above the cursor, receivers elsewhere may be parked).
-- Locks: KEY SHARE on the aside lanes, then the send locks of lane 1, each in order of queue_id, held to the commit:
-- what is committed of a lane is a prefix of it, so a message never commits behind the cursor.
CREATE FUNCTION howdah.{name}(
  p_queue_ids bigint[], p_versions bigint[],
  p_queue int[], p_position bigint[], p_delay int[], p_message_ids uuid[], p_bodies text[], p_attributes bytea[],
  p_sender_ids text[], p_trace_headers text[], p_group_ids text[])
RETURNS TABLE (queue_index int, is_current boolean, was_empty boolean)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz;
  v_tail bigint[];       -- of each queue; NULL: not current
  v_empty boolean[];
  v_sent_at timestamptz[];
BEGIN
  IF 0 < ANY (p_delay) THEN
    PERFORM 1 FROM (SELECT DISTINCT p_queue_ids[u.q] AS queue_id FROM unnest(p_queue, p_delay) u(q, delay)
                    WHERE u.delay > 0 ORDER BY 1) q
      CROSS JOIN LATERAL (SELECT 1 FROM howdah.send_lock s WHERE s.queue_id = q.queue_id AND s.lane = 0
                          OFFSET 0 FOR KEY SHARE) l;
  END IF;
  IF 0 = ANY (p_delay) THEN
    PERFORM 1 FROM (SELECT DISTINCT p_queue_ids[u.q] AS queue_id FROM unnest(p_queue, p_delay) u(q, delay)
                    WHERE u.delay = 0 ORDER BY 1) q
      CROSS JOIN LATERAL (SELECT 1 FROM howdah.send_lock s WHERE s.queue_id = q.queue_id AND s.lane = 1
                          OFFSET 0 FOR UPDATE) l;
  END IF;
  v_now := {clock};

  -- A new statement, so that its snapshot is younger than the locks; cursor and tail from the same one. The queue's row
  -- tells a purge or a change that the wait for a lock let by. sent_at must grow along the lane whatever the clock does.
  SELECT array_agg(CASE WHEN q.version IS NOT NULL THEN coalesce(t.seq, c.hi) END ORDER BY u.ord),
         array_agg(t.seq IS NULL ORDER BY u.ord),
         array_agg(greatest(v_now, t.sent_at) ORDER BY u.ord)
    INTO v_tail, v_empty, v_sent_at
    FROM unnest(p_queue_ids, p_versions) WITH ORDINALITY u(queue_id, version, ord)
    LEFT JOIN LATERAL (SELECT x.version FROM howdah.queue x
                       WHERE x.queue_id = u.queue_id AND x.version = u.version AND x.deleted_at IS NULL OFFSET 0) q ON true
    LEFT JOIN LATERAL (SELECT x.hi FROM howdah.lane_cursor x WHERE x.queue_id = u.queue_id AND x.lane = 1
                       ORDER BY x.hi DESC LIMIT 1) c ON true
    LEFT JOIN LATERAL (SELECT x.seq, x.sent_at FROM howdah.message x
                       WHERE x.queue_id = u.queue_id AND x.lane = 1 AND x.seq > c.hi
                       ORDER BY x.seq DESC LIMIT 1) t ON true;

  INSERT INTO howdah.message (queue_id, lane, seq, sent_at, message_id, body, message_attributes, sender_id,
                              trace_header, message_group_id)
  SELECT p_queue_ids[u.q], 1, v_tail[u.q] + u.position, v_sent_at[u.q], u.message_id, u.body, u.attributes, u.sender_id,
         u.trace_header, u.group_id
    FROM unnest(p_queue, p_position, p_delay, p_message_ids, p_bodies, p_attributes, p_sender_ids, p_trace_headers,
                p_group_ids)
         u(q, position, delay, message_id, body, attributes, sender_id, trace_header, group_id)
   WHERE u.delay = 0 AND v_tail[u.q] IS NOT NULL;

  IF 0 < ANY (p_delay) THEN
    WITH aside AS MATERIALIZED (
           SELECT p_queue_ids[u.q] AS queue_id, nextval('howdah.aside_seq') AS seq, u.*
             FROM unnest(p_queue, p_delay, p_message_ids, p_bodies, p_attributes, p_sender_ids, p_trace_headers,
                         p_group_ids)
                  u(q, delay, message_id, body, attributes, sender_id, trace_header, group_id)
            WHERE u.delay > 0 AND v_tail[u.q] IS NOT NULL),
         stored AS (
           INSERT INTO howdah.message (queue_id, lane, seq, sent_at, message_id, body, message_attributes, sender_id,
                                       trace_header, message_group_id)
           SELECT queue_id, 0, seq, v_now, message_id, body, attributes, sender_id, trace_header, group_id FROM aside)
    INSERT INTO howdah.delivery (queue_id, lane, seq, visible_at, receive_count)
    SELECT queue_id, 0, seq, v_now + delay * interval '1 second', 0 FROM aside;
  END IF;

  RETURN QUERY SELECT i, v_tail[i] IS NOT NULL, v_empty[i] FROM generate_series(1, cardinality(p_queue_ids)) i;
END $$;
