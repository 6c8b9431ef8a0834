-- Deletes up to p_rows rows of one incarnation that ended. The first time that it is found empty is noted; ten minutes
-- after its end, when no transaction from before can arrive any more, it is looked at once more and forgotten. When
-- there is nothing else to do, names whose queue was deleted a day ago are forgotten.
-- Answers how many rows were deleted, whether there is more to do now, and how many of the rows were messages.
-- Locks: the row of remains (another sweep passes it by). A delivery row that a late claim moved meanwhile is skipped by
-- its ctid and found by the last look.
CREATE FUNCTION howdah.{name}(p_rows integer, OUT rows_deleted bigint, OUT more boolean, OUT messages bigint)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := {clock};
  v_old timestamptz := v_now - interval '10 minutes';
  v_remains howdah.remains;
  v_count bigint;
  v_table text;
  v_tables CONSTANT text[] := ARRAY['delivery', 'message', 'lane_cursor', 'fifo_turn', 'fifo_delivery',
                                    'fifo_deduplication', 'fifo_attempt', 'expired_range'];
BEGIN
  rows_deleted := 0;
  messages := 0;
  SELECT r.* INTO v_remains FROM howdah.remains r WHERE r.swept_at IS NULL OR r.since <= v_old
   ORDER BY r.since LIMIT 1 FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    DELETE FROM howdah.queue q WHERE q.ctid = ANY (ARRAY(
      SELECT x.ctid FROM howdah.queue x WHERE x.deleted_at <= v_now - interval '1 day' LIMIT p_rows FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS rows_deleted = ROW_COUNT;
    more := rows_deleted >= p_rows;
    RETURN;
  END IF;

  FOREACH v_table IN ARRAY v_tables LOOP
    EXECUTE format('DELETE FROM howdah.%1$I WHERE ctid = ANY (ARRAY('
                   'SELECT x.ctid FROM howdah.%1$I x WHERE x.queue_id = $1 LIMIT $2))', v_table)
      USING v_remains.queue_id, p_rows - rows_deleted;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    rows_deleted := rows_deleted + v_count;
    IF v_table = 'message' THEN messages := v_count; END IF;
    EXIT WHEN rows_deleted >= p_rows;
  END LOOP;

  IF rows_deleted >= p_rows THEN
    more := true;
    RETURN;
  END IF;
  IF v_remains.since > v_old THEN
    UPDATE howdah.remains r SET swept_at = v_now WHERE r.queue_id = v_remains.queue_id;
  ELSIF rows_deleted = 0 THEN
    DELETE FROM howdah.remains r WHERE r.queue_id = v_remains.queue_id;
  END IF;
  more := (SELECT 1 FROM howdah.remains r WHERE r.swept_at IS NULL OR r.since <= v_old LIMIT 1) IS NOT NULL;
END $$;
