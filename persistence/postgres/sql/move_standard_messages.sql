-- One batch of a move task between standard queues: what has a delivery row and is due, by lane and seq (dead letters in the
-- order in which they came), then the log. Moved messages are new ones of the target: id, sent time and counts start anew.
-- Parameters: p_destination NULL: each message goes to the queue that it came from; p_since: what was sent later stays;
-- p_retention in seconds: what is older is deleted; p_rows, p_bytes: the most it holds, but at least one message;
-- p_lane, p_seq: up to where earlier batches have looked through the delivery rows, so that none walks what they left.
-- Answers how many were moved and to which queue_ids; failure, if the next message has nowhere to go; nothing_left, after a
-- look from the beginning; next_lane and next_seq for the next batch.
-- Locks: the due delivery rows, by SKIP LOCKED; the source's claim locks; then the targets' send locks in order of queue_id.
-- A purge or deletion that came between is a serialization failure: begin anew.
CREATE FUNCTION howdah.{name}(
  p_queue_id bigint, p_account text, p_destination text, p_since timestamptz, p_retention bigint, p_rows int,
  p_bytes bigint, p_lane bigint, p_seq bigint,
  OUT moved bigint, OUT targets bigint[], OUT failure text, OUT nothing_left boolean, OUT next_lane bigint,
  OUT next_seq bigint)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := {clock};
  v_due tid[];
  v_log_lanes bigint[] := '{}';
  v_log_seqs bigint[] := '{}';
  v_lane bigint;
  v_hi bigint;
  v_lanes bigint[];
  v_seqs bigint[];
  v_deliveries tid[];
  v_messages tid[];
  v_fates text[];
  v_targets bigint[];
  v_tails bigint[];
  v_sent_at timestamptz[];
BEGIN
  moved := 0;
  targets := '{}';
  nothing_left := false;
  next_lane := p_lane;
  next_seq := p_seq;

  SELECT array_agg(x.t) INTO v_due
    FROM (SELECT d.ctid AS t FROM howdah.delivery d
           WHERE d.queue_id = p_queue_id AND (d.lane, d.seq) > (p_lane, p_seq) AND d.visible_at <= v_now
             AND (SELECT m.sent_at FROM howdah.message m
                   WHERE m.queue_id = p_queue_id AND m.lane = d.lane AND m.seq = d.seq) <= p_since
           ORDER BY d.queue_id, d.lane, d.seq LIMIT p_rows FOR UPDATE OF d SKIP LOCKED) x;
  IF coalesce(cardinality(v_due), 0) < p_rows THEN
    FOR v_lane IN SELECT c.lane FROM howdah.claim_lock c WHERE c.queue_id = p_queue_id AND c.lane > 0 ORDER BY c.lane FOR UPDATE
    LOOP
      v_hi := {call:expire_lane}(p_queue_id, v_lane, v_now - p_retention * interval '1 second');
      SELECT v_log_lanes || array_agg(v_lane), v_log_seqs || array_agg(x.seq ORDER BY x.seq) INTO v_log_lanes, v_log_seqs
        FROM (SELECT m.seq, m.sent_at FROM howdah.message m
               WHERE m.queue_id = p_queue_id AND m.lane = v_lane AND m.seq > v_hi ORDER BY m.seq
               LIMIT p_rows - coalesce(cardinality(v_due), 0) - cardinality(v_log_seqs)) x
       WHERE x.sent_at <= p_since;
      EXIT WHEN coalesce(cardinality(v_due), 0) + cardinality(v_log_seqs) >= p_rows;
    END LOOP;
  END IF;
  -- After the locks: a purge or deletion that came before them is seen here.
  PERFORM 1 FROM howdah.queue q WHERE q.queue_id = p_queue_id AND q.deleted_at IS NULL;
  IF NOT FOUND THEN RAISE serialization_failure USING MESSAGE = 'howdah: the source of a move task was purged'; END IF;

  -- What happens to each, up to the first that has nowhere to go, or to where the batch is full.
  WITH found AS (
         SELECT u.ord, d.lane, d.seq, u.t AS delivery
           FROM unnest(v_due) WITH ORDINALITY u(t, ord)
           CROSS JOIN LATERAL (SELECT x.lane, x.seq FROM howdah.delivery x WHERE x.ctid = u.t OFFSET 0) d
         UNION ALL
         SELECT p_rows + u.ord, u.lane, u.seq, NULL::tid FROM unnest(v_log_lanes, v_log_seqs) WITH ORDINALITY u(lane, seq, ord)),
       fate AS (
         SELECT f.ord, f.lane, f.seq, f.delivery, m.t AS message, m.bytes, q.queue_id AS target,
                CASE WHEN m.sent_at <= v_now - p_retention * interval '1 second' THEN 'expired'
                     WHEN m.target_name IS NULL THEN 'CouldNotDetermineMessageSource'
                     WHEN q.queue_id IS NULL THEN 'AWS.SimpleQueueService.NonExistentQueue'
                     ELSE 'moves' END AS fate
           FROM found f
           CROSS JOIN LATERAL (SELECT x.ctid AS t, x.sent_at, coalesce(p_destination, x.source_queue) AS target_name,
                                      octet_length(x.body) + coalesce(octet_length(x.message_attributes), 0) AS bytes
                                 FROM howdah.message x WHERE x.queue_id = p_queue_id AND x.lane = f.lane AND x.seq = f.seq
                               OFFSET 0) m
           LEFT JOIN LATERAL (SELECT x.queue_id FROM howdah.queue x WHERE x.account = p_account AND x.name = m.target_name
                                 AND x.deleted_at IS NULL OFFSET 0) q ON true),
       cut AS (
         SELECT f.*, bool_or(f.fate NOT IN ('expired', 'moves')) OVER w AS failed,
                coalesce(sum(f.bytes) FILTER (WHERE f.fate = 'moves') OVER w, 0) > p_bytes
                  AND count(*) FILTER (WHERE f.fate = 'moves') OVER w > 1 AS is_full
           FROM fate f WINDOW w AS (ORDER BY f.ord))
  SELECT array_agg(c.lane ORDER BY c.ord) FILTER (WHERE NOT c.failed),
         array_agg(c.seq ORDER BY c.ord) FILTER (WHERE NOT c.failed),
         array_agg(c.delivery ORDER BY c.ord) FILTER (WHERE NOT c.failed),
         array_agg(c.message ORDER BY c.ord) FILTER (WHERE NOT c.failed),
         array_agg(c.fate ORDER BY c.ord) FILTER (WHERE NOT c.failed),
         array_agg(c.target ORDER BY c.ord) FILTER (WHERE NOT c.failed),
         (array_agg(c.fate ORDER BY c.ord) FILTER (WHERE c.failed))[1],
         array_agg(DISTINCT c.target) FILTER (WHERE NOT c.failed AND c.fate = 'moves')
    INTO v_lanes, v_seqs, v_deliveries, v_messages, v_fates, v_targets, failure, targets
    FROM cut c WHERE NOT c.is_full;
  targets := coalesce(targets, '{}');

  IF v_lanes IS NULL THEN
    nothing_left := failure IS NULL AND (p_lane, p_seq) = (0, 0);
    next_lane := 0;  -- what became visible behind the pass
    next_seq := 0;
    RETURN;
  END IF;

  PERFORM 1 FROM (SELECT t FROM unnest(targets) t ORDER BY t) q
    CROSS JOIN LATERAL (SELECT 1 FROM howdah.send_lock s WHERE s.queue_id = q.t AND s.lane = 1 OFFSET 0 FOR UPDATE) l;
  v_now := {clock};
  -- Cursor and tail in one statement whose snapshot is younger than the locks, as in send_standard.
  SELECT array_agg(coalesce(t.seq, c.hi) ORDER BY u.ord), array_agg(greatest(v_now, t.sent_at) ORDER BY u.ord)
    INTO v_tails, v_sent_at
    FROM unnest(targets) WITH ORDINALITY u(queue_id, ord)
    CROSS JOIN LATERAL (SELECT 1 FROM howdah.send_lock s WHERE s.queue_id = u.queue_id AND s.lane = 1 OFFSET 0) l
    CROSS JOIN LATERAL (SELECT x.hi FROM howdah.lane_cursor x WHERE x.queue_id = u.queue_id AND x.lane = 1
                        ORDER BY x.hi DESC LIMIT 1) c
    LEFT JOIN LATERAL (SELECT x.seq, x.sent_at FROM howdah.message x
                       WHERE x.queue_id = u.queue_id AND x.lane = 1 AND x.seq > c.hi
                       ORDER BY x.seq DESC LIMIT 1) t ON true;
  IF coalesce(cardinality(v_tails), 0) <> cardinality(targets) THEN
    RAISE serialization_failure USING MESSAGE = 'howdah: the target of a move task was purged';
  END IF;

  INSERT INTO howdah.message (queue_id, lane, seq, sent_at, message_id, body, message_attributes, sender_id,
                              trace_header, message_group_id)
  SELECT u.target, 1, v_tails[u.which] + u.nth, v_sent_at[u.which], gen_random_uuid(), m.body, m.message_attributes,
         m.sender_id, m.trace_header, m.message_group_id
    FROM (SELECT x.message, x.target, array_position(targets, x.target) AS which,
                 row_number() OVER (PARTITION BY x.target ORDER BY x.ord) AS nth
            FROM unnest(v_messages, v_targets, v_fates) WITH ORDINALITY x(message, target, fate, ord)
           WHERE x.fate = 'moves') u
    CROSS JOIN LATERAL (SELECT * FROM howdah.message x WHERE x.ctid = u.message OFFSET 0) m;
  GET DIAGNOSTICS moved = ROW_COUNT;

  DELETE FROM howdah.message WHERE ctid = ANY (v_messages);
  DELETE FROM howdah.delivery WHERE ctid = ANY (v_deliveries);
  WITH passed AS MATERIALIZED (
         SELECT u.lane, max(u.seq) AS hi FROM unnest(v_lanes, v_seqs, v_deliveries) u(lane, seq, delivery)
          WHERE u.delivery IS NULL GROUP BY u.lane),
       last AS MATERIALIZED (
         SELECT c.t FROM passed p
           CROSS JOIN LATERAL (SELECT x.ctid AS t FROM howdah.lane_cursor x WHERE x.queue_id = p_queue_id
                                  AND x.lane = p.lane ORDER BY x.hi DESC LIMIT 1) c),
       next AS (INSERT INTO howdah.lane_cursor (queue_id, lane, hi) SELECT p_queue_id, p.lane, p.hi FROM passed p)
  DELETE FROM howdah.lane_cursor WHERE ctid = ANY (ARRAY(SELECT l.t FROM last l));

  SELECT u.lane, u.seq INTO next_lane, next_seq
    FROM unnest(v_lanes, v_seqs, v_deliveries) WITH ORDINALITY u(lane, seq, delivery, ord)
   WHERE u.delivery IS NOT NULL ORDER BY u.ord DESC LIMIT 1;
  IF NOT FOUND THEN
    next_lane := p_lane;
    next_seq := p_seq;
  END IF;
END $$;
