-- Creates a queue, or answers with the one that has the name.
-- Parameters: p_queue_id, the new incarnation; p_reuse_delay in seconds: how long a deleted queue's name is not free.
-- Answers outcome created, exists (with that queue) or deleted_recently.
-- Locks: the row of the name, so that creating, deleting, purging and changing a queue follow one another.
CREATE FUNCTION howdah.{name}(
  p_account text, p_name text, p_queue_id bigint, p_attributes jsonb, p_tags jsonb, p_reuse_delay bigint,
  OUT outcome text, OUT result howdah.queue)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz;
BEGIN
  LOOP
    v_now := {clock};
    -- Waits for a concurrent creator of the name.
    INSERT INTO howdah.queue AS q (account, name, queue_id, version, attributes, tags, created_at, modified_at)
    VALUES (p_account, p_name, p_queue_id, 1, p_attributes, p_tags, v_now, v_now)
    ON CONFLICT (account, name) DO NOTHING
    RETURNING q.* INTO result;
    EXIT WHEN FOUND;

    SELECT q.* INTO result FROM howdah.queue q WHERE q.account = p_account AND q.name = p_name FOR UPDATE;
    CONTINUE WHEN NOT FOUND;  -- the sweep just forgot it
    v_now := {clock};         -- after the wait for the lock
    IF result.deleted_at IS NULL THEN
      outcome := 'exists';
      RETURN;
    END IF;
    IF result.deleted_at > v_now - p_reuse_delay * interval '1 second' THEN
      outcome := 'deleted_recently';
      RETURN;
    END IF;
    UPDATE howdah.queue q
       SET queue_id = p_queue_id, version = q.version + 1, attributes = p_attributes, tags = p_tags,
           created_at = v_now, modified_at = v_now, purged_at = NULL, deleted_at = NULL
     WHERE q.account = p_account AND q.name = p_name
    RETURNING q.* INTO result;
    EXIT;
  END LOOP;

  PERFORM {call:begin_incarnation}(p_queue_id, p_attributes);
  outcome := 'created';
END $$;
