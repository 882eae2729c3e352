#!/bin/sh
# Runs rights/*.sql after the migrations, as the owner of each database. Any number of times.
set -eu
here=$(dirname "$0")

for service in user inventory payment; do
    psql --quiet --no-psqlrc -v ON_ERROR_STOP=1 --single-transaction \
        --dbname "$(cat "${SECRETS:-/secrets}/$service-database-url")" --file "$here/rights/$service.sql"
done
echo "every role has its rights"
