-- Folds the changes into the sums, and says that the count is wanted for five minutes more.
-- A change that committed late may lie below the floor; once a minute all are looked for. The floor is the last change of
-- the fold before, so that dead rows are passed for one interval only, under a held snapshot too.
-- Answers whether there is a count to fold into.
-- Locks: the row of the count, so that only one folds.
CREATE FUNCTION howdah.{name}()
RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_count howdah.stored_bytes_count;
  v_whole boolean;
  v_queue_ids bigint[];
  v_bytes bigint;
  v_last bigint;
BEGIN
  SELECT c.* INTO v_count FROM howdah.stored_bytes_count c WHERE c.id = 1 FOR UPDATE;
  IF v_count.counted_at IS NULL OR
     (SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = 'howdah.message'::regclass AND t.tgname IN ('stored', 'removed')) < 2
  THEN
    RETURN false;
  END IF;
  v_whole := v_count.whole_at < clock_timestamp() - interval '1 minute';
  WITH gone AS (
         DELETE FROM howdah.stored_bytes_change c WHERE c.change_id > CASE WHEN v_whole THEN 0 ELSE v_count.floor END
         RETURNING c.change_id, c.queue_id, c.bytes),
       sums AS (SELECT g.queue_id, sum(g.bytes)::bigint AS bytes, max(g.change_id) AS last FROM gone g GROUP BY g.queue_id),
       put AS (
         INSERT INTO howdah.stored_bytes AS s (queue_id, bytes) SELECT x.queue_id, x.bytes FROM sums x
         ON CONFLICT (queue_id) DO UPDATE SET bytes = s.bytes + excluded.bytes)
  SELECT array_agg(x.queue_id), coalesce(sum(x.bytes), 0), greatest(max(x.last), v_count.last_change)
    INTO v_queue_ids, v_bytes, v_last FROM sums x;
  DELETE FROM howdah.stored_bytes s WHERE s.queue_id = ANY (v_queue_ids) AND s.bytes = 0;
  UPDATE howdah.stored_bytes_count c
     SET bytes = c.bytes + v_bytes, last_change = v_last, floor = v_count.last_change,
         whole_at = CASE WHEN v_whole THEN clock_timestamp() ELSE c.whole_at END,
         wanted_until = clock_timestamp() + interval '5 minutes'
   WHERE c.id = 1;
  RETURN true;
END $$;
