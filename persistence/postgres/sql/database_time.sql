-- The clock that every deadline uses, test offset included.
CREATE FUNCTION howdah.{name}() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$ SELECT {clock} $$;
