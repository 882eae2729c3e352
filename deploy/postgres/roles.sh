#!/bin/sh
# One database a service, with two roles: the owner changes tables (`migrate`), the other one serves and may only read and
# write rows. `orderflow_operator` is for `shopctl verify`. PostgreSQL's image runs this once, on an empty volume; what each
# role may do with a table is said by rights/*.sql, after every migration.
set -eu
secrets=${SECRETS:-/secrets}

# sql DATABASE, then the statements on standard input; :'name' is the content of a file in /secrets.
sql() {
    psql --quiet --no-psqlrc -v ON_ERROR_STOP=1 --username postgres --dbname "$1" \
        -v owner_password="$(cat "$secrets/${service}_owner")" -v password="$(cat "$secrets/$service")" \
        -v operator_password="$(cat "$secrets/operator")" \
        -v owner="orderflow_${service}_owner" -v role="orderflow_$service" -v database="orderflow_$service"
}

service=user
sql postgres <<'SQL'
CREATE ROLE orderflow_operator LOGIN PASSWORD :'operator_password';
-- Nobody but the superuser has to be here.
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
SQL

for service in user inventory payment; do
    sql postgres <<'SQL'
CREATE ROLE :"owner" LOGIN PASSWORD :'owner_password';
CREATE ROLE :"role" LOGIN PASSWORD :'password';
CREATE DATABASE :"database" OWNER :"owner";
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO :"role", orderflow_operator;
SQL
    sql "orderflow_$service" <<'SQL'
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO :"role";
-- Whatever the owner makes from now on, in whichever schema. Nothing for the operator: a new table may hold secrets.
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" GRANT USAGE ON SCHEMAS TO :"role";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"role";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" GRANT USAGE, SELECT ON SEQUENCES TO :"role";
SQL
done
