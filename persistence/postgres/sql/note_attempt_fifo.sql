-- Notes what a receive under a ReceiveRequestAttemptId was given, in that receive's transaction, for five minutes from p_now.
CREATE FUNCTION howdah.{name}(
  p_queue_id bigint, p_attempt_id text, p_lanes bigint[], p_seqs bigint[], p_counts int[])
RETURNS void
LANGUAGE sql VOLATILE AS $$
  UPDATE howdah.fifo_attempt
     SET expires_at = {clock} + interval '5 minutes', lanes = p_lanes, seqs = p_seqs, counts = p_counts
   WHERE queue_id = p_queue_id AND attempt_id = p_attempt_id
$$;
