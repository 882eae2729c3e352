-- Who did what to what, from where, when and with which outcome. Rows are only added: the role of the service may do no more, and
-- whoever migrates deletes those that are older than `audit-retention`. They hold ids and addresses, and no password, token or e-mail.
CREATE TABLE audit (
    id         uuid        PRIMARY KEY,
    at         timestamptz NOT NULL,
    -- The `sub` of the token; NULL without one.
    actor      text,
    role       text,
    -- The login that the token came from.
    session    uuid,
    address    text,
    -- Method and route, or the command.
    action     text        NOT NULL,
    -- The id of what was acted on.
    subject    text,
    outcome    text        NOT NULL CHECK (outcome IN ('done', 'refused', 'failed', 'unknown')),
    -- Of HTTP; 0 for a command.
    status     integer     NOT NULL,
    code       text,
    request_id text        NOT NULL,
    -- Not jsonb, which refuses the character U+0000.
    details    json        NOT NULL
);
CREATE INDEX audit_by_time ON audit (at, id);
CREATE INDEX audit_by_actor ON audit (actor, at, id) WHERE actor IS NOT NULL;
CREATE INDEX audit_by_subject ON audit (subject, at, id) WHERE subject IS NOT NULL;
CREATE INDEX audit_by_action ON audit (action, at, id);
CREATE INDEX audit_by_outcome ON audit (outcome, at, id);

-- Also for the owner, and for a service that is its own owner. Thirty days are the shortest `audit-retention`.
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.at < now() - interval '30 days' THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'the table audit is append-only';
END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_append_only_as_a_whole BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();

-- Default privileges give every new table's rows to the role of the service: it keeps SELECT and INSERT.
DO $$
DECLARE
    grantee regrole;
BEGIN
    FOR grantee IN SELECT DISTINCT a.grantee::regrole FROM pg_class c, aclexplode(c.relacl) a
                   WHERE c.oid = 'audit'::regclass AND a.grantee NOT IN (0, c.relowner)
    LOOP
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON audit FROM %s', grantee);
    END LOOP;
END $$;
