-- Deletes messages of one or many standard queues, each named by one of its deliveries, in one transaction.
-- Parameters: p_current (queue_ids that must still be queues); then one element a request, in order of queue_id, lane,
-- seq: the delivery's key, its receive_count and the first four bytes of the message id. The bytes are compared since a
-- restore or failover may give a seq out again, and an old handle must not delete the stranger that got its number.
-- Answers the positions (from 1) of requests whose message was deleted, and -position for each of p_current that is no
-- queue any more. A delivery that was superseded by a later receive deletes nothing.
-- Locks: the delivery rows named, in order; waits for a claim or change under way and sees what it left.
CREATE FUNCTION howdah.{name}(
  p_current bigint[], p_queue_ids bigint[], p_lanes bigint[], p_seqs bigint[], p_counts int[], p_prefixes bytea[])
RETURNS SETOF int
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM 1 FROM unnest(p_queue_ids, p_lanes, p_seqs) u(queue_id, lane, seq)
    CROSS JOIN LATERAL (SELECT 1 FROM howdah.delivery x WHERE x.queue_id = u.queue_id AND x.lane = u.lane
                           AND x.seq = u.seq OFFSET 0 FOR UPDATE) k;
  IF FOUND THEN
    RETURN QUERY
      WITH k AS MATERIALIZED (
             SELECT u.ord::int AS ord, d.t AS delivery, m.t AS message
               FROM unnest(p_queue_ids, p_lanes, p_seqs, p_counts, p_prefixes) WITH ORDINALITY
                    u(queue_id, lane, seq, receive_count, prefix, ord)
               CROSS JOIN LATERAL (SELECT x.ctid AS t FROM howdah.delivery x WHERE x.queue_id = u.queue_id
                                      AND x.lane = u.lane AND x.seq = u.seq AND x.receive_count = u.receive_count
                                   OFFSET 0) d
               CROSS JOIN LATERAL (SELECT x.ctid AS t FROM howdah.message x WHERE x.queue_id = u.queue_id
                                      AND x.lane = u.lane AND x.seq = u.seq
                                      AND substr(uuid_send(x.message_id), 1, 4) = u.prefix OFFSET 0) m),
           d AS (DELETE FROM howdah.delivery WHERE ctid = ANY (ARRAY(SELECT k.delivery FROM k))),
           m AS (DELETE FROM howdah.message WHERE ctid = ANY (ARRAY(SELECT k.message FROM k)))
      SELECT k.ord FROM k;
  END IF;
  RETURN QUERY
    SELECT -u.ord::int FROM unnest(p_current) WITH ORDINALITY u(queue_id, ord)
     WHERE (SELECT q.queue_id FROM howdah.queue q WHERE q.queue_id = u.queue_id AND q.deleted_at IS NULL) IS NULL;
END $$;
