-- Stores messages of one FIFO queue, in the order given, but those whose deduplication key was accepted in the last five
-- minutes, here or before.
-- Parameters: the queue as it was checked and its delay in seconds; then one element a message. p_keys: its deduplication
-- key, a hash of what the queue's scope says.
-- Answers, a row a message: the id and seq under which it, or the first with its key, was stored; `opened` whether a
-- group became available to receivers by this send. No rows: the queue is not the one that was checked.
-- Locks: the send locks of the partitions, in order; then the deduplication keys, in order, in one statement for the
-- whole call. A concurrent holder of a key is waited for.
CREATE FUNCTION howdah.{name}(
  p_queue_id bigint, p_version bigint, p_delay int, p_lanes bigint[], p_message_ids uuid[], p_bodies text[],
  p_attributes bytea[], p_sender_ids text[], p_trace_headers text[], p_group_ids text[], p_deduplication_ids text[],
  p_keys bytea[])
RETURNS TABLE (request int, message_id uuid, seq bigint, opened boolean)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz;
  v_first bigint;
  v_ids uuid[];
  v_seqs bigint[];
  v_opened bigint;
BEGIN
  PERFORM 1 FROM (SELECT DISTINCT (x.lane & 7) + 1 AS part FROM unnest(p_lanes) x(lane) ORDER BY 1) q
    CROSS JOIN LATERAL (SELECT 1 FROM howdah.send_lock s WHERE s.queue_id = p_queue_id AND s.lane = q.part
                        OFFSET 0 FOR UPDATE) l;
  v_now := {clock};
  PERFORM 1 FROM howdah.queue q WHERE q.queue_id = p_queue_id AND q.version = p_version AND q.deleted_at IS NULL;
  IF NOT FOUND THEN RETURN; END IF;
  v_first := nextval('howdah.fifo_seq');

  WITH sent AS MATERIALIZED (
         SELECT u.*, nextval('howdah.fifo_seq') AS seq
           FROM unnest(p_lanes, p_message_ids, p_bodies, p_attributes, p_sender_ids, p_trace_headers, p_group_ids,
                       p_deduplication_ids, p_keys) WITH ORDINALITY
                u(lane, message_id, body, attributes, sender_id, trace_header, group_id, deduplication_id, key, ord)),
       accepted AS (
         INSERT INTO howdah.fifo_deduplication AS d (queue_id, key, expires_at, message_id, seq)
         SELECT p_queue_id, w.key, v_now + interval '5 minutes', w.message_id, w.seq
           FROM (SELECT DISTINCT ON (s.key) s.key, s.message_id, s.seq FROM sent s ORDER BY s.key, s.ord) w
         ON CONFLICT (queue_id, key) DO UPDATE
           SET expires_at = excluded.expires_at, message_id = excluded.message_id, seq = excluded.seq
         WHERE d.expires_at <= v_now
         RETURNING d.message_id)
  INSERT INTO howdah.message (queue_id, lane, seq, sent_at, message_id, body, message_attributes, sender_id,
                              trace_header, message_group_id, message_deduplication_id)
  SELECT p_queue_id, s.lane, s.seq, v_now, s.message_id, s.body, s.attributes, s.sender_id, s.trace_header, s.group_id,
         s.deduplication_id
    FROM sent s JOIN accepted a ON a.message_id = s.message_id;

  -- A new statement: it sees what this one or a holder before it stored under each key.
  SELECT array_agg(d.message_id ORDER BY u.ord), array_agg(d.seq ORDER BY u.ord) INTO v_ids, v_seqs
    FROM unnest(p_keys) WITH ORDINALITY u(key, ord)
    CROSS JOIN LATERAL (SELECT x.message_id, x.seq FROM howdah.fifo_deduplication x
                         WHERE x.queue_id = p_queue_id AND x.key = u.key OFFSET 0) d;

  WITH stored AS (
         SELECT -((u.lane & 7) + 1) AS counter, count(*) AS n
           FROM unnest(p_lanes, p_message_ids, v_ids) u(lane, message_id, kept) WHERE u.message_id = u.kept GROUP BY 1),
       total AS MATERIALIZED (
         SELECT s.counter, s.n, c.hi, c.t FROM stored s
           CROSS JOIN LATERAL (SELECT x.hi, x.ctid AS t FROM howdah.lane_cursor x WHERE x.queue_id = p_queue_id
                                  AND x.lane = s.counter ORDER BY x.hi DESC LIMIT 1) c),
       next AS (INSERT INTO howdah.lane_cursor (queue_id, lane, hi) SELECT p_queue_id, t.counter, t.hi + t.n FROM total t)
  DELETE FROM howdah.lane_cursor WHERE ctid = ANY (ARRAY(SELECT t.t FROM total t));

  -- A group without a turn gets one. A turn vanishes only under the send lock, so one that is there may be relied on.
  INSERT INTO howdah.fifo_turn (queue_id, lane, version, done, available_at, part)
  SELECT p_queue_id, g.lane, nextval('howdah.fifo_seq'), v_first, v_now + p_delay * interval '1 second', (g.lane & 7) + 1
    FROM (SELECT DISTINCT u.lane FROM unnest(p_lanes, p_message_ids, v_ids) u(lane, message_id, kept)
           WHERE u.message_id = u.kept) g
   WHERE (SELECT t.version FROM howdah.fifo_turn t WHERE t.queue_id = p_queue_id AND t.lane = g.lane
          ORDER BY t.version DESC LIMIT 1) IS NULL;
  GET DIAGNOSTICS v_opened = ROW_COUNT;

  RETURN QUERY SELECT i, v_ids[i], v_seqs[i], v_opened > 0 FROM generate_series(1, cardinality(p_keys)) i;
END $$;
