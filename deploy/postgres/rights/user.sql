-- The operator learns which accounts exist or existed. No e-mail, password, token or key.
GRANT USAGE ON SCHEMA public TO orderflow_operator;
GRANT SELECT (id) ON accounts TO orderflow_operator;
GRANT SELECT (actor, subject) ON audit TO orderflow_operator;

-- What the service may not do although the rows are its own.
REVOKE INSERT, UPDATE, DELETE ON refinery_schema_history FROM orderflow_user;
