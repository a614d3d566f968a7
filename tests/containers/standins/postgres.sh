# Makes the cluster at the first start, then steps down and becomes the server.
set -eu
chown postgres:postgres "$PGDATA" /run/postgresql
down=(setpriv --reuid=postgres --regid=postgres --init-groups)
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    umask 077
    cat "$POSTGRES_PASSWORD_FILE" > /tmp/password
    chown postgres /tmp/password
    "${down[@]}" initdb --username="$POSTGRES_USER" --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256
    rm /tmp/password
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
    echo "listen_addresses = '*'" >> "$PGDATA/postgresql.conf"
    "${down[@]}" pg_ctl start --wait --options="-c listen_addresses=''"
    "${down[@]}" createdb --username="$POSTGRES_USER" "$POSTGRES_DB"
    "${down[@]}" pg_ctl stop --wait --mode=fast
fi
exec "${down[@]}" "$@"
