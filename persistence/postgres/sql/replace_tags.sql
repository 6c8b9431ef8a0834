-- Replaces the tags of a queue that still is p_queue_id at p_version. Tags are no attributes: modified_at stays.
-- Answers outcome replaced (with the queue as it is now), version_changed or not_found.
-- Locks: the queue's row.
CREATE FUNCTION howdah.{name}(
  p_account text, p_name text, p_queue_id bigint, p_version bigint, p_tags jsonb,
  OUT outcome text, OUT result howdah.queue)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  SELECT q.* INTO result FROM howdah.queue q
   WHERE q.account = p_account AND q.name = p_name AND q.deleted_at IS NULL FOR UPDATE;
  IF NOT FOUND THEN
    outcome := 'not_found';
  ELSIF result.queue_id <> p_queue_id OR result.version <> p_version THEN
    outcome := 'version_changed';
  ELSE
    UPDATE howdah.queue q SET tags = p_tags, version = q.version + 1
     WHERE q.account = p_account AND q.name = p_name
    RETURNING q.* INTO result;
    outcome := 'replaced';
  END IF;
END $$;
