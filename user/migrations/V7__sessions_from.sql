-- A login that was under way when the password changed must not begin a session: sessions begun before this moment have ended,
-- also those that the statement which ended the others did not see yet.
ALTER TABLE accounts ADD COLUMN sessions_from timestamptz NOT NULL DEFAULT '-infinity';
