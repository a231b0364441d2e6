#!/usr/bin/env bash
# Flink's SQL gateway listens where the JobManager's REST endpoint was told to, not on its own port.
#
# Guess: with `sql-gateway.endpoint.rest.port: 18092` in config.yaml the gateway listens on 18092, whatever `rest.bind-port` says; that key is
#   the JobManager's.
# Seen (Flink 2.3.0, from PyPI apache-flink-libraries 2.3.0 and Maven flink-sql-gateway 2.3.0, Java 17): it listens on 18091, the value of
#   `rest.bind-port`, and nobody on 18092. Only `sql-gateway.endpoint.rest.bind-port` moves it. So a config.yaml that pins the JobManager's
#   port with `rest.bind-port` makes gateway and JobManager on one host compete for one port: whoever starts second ends with a BindException.
# Needs: java 17, mvn, python3 with pip, curl. Fetches 330 MB. Listens on loopback only.
set -euo pipefail

folder=$(mktemp -d)
gateway=
trap '[ -z "$gateway" ] || kill -KILL "$gateway" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --root-user-action=ignore --no-deps --disable-pip-version-check --target package apache-flink-libraries==2.3.0
mvn -q -B dependency:copy -Dartifact=org.apache.flink:flink-sql-gateway:2.3.0 -DoutputDirectory="$folder/package/pyflink/lib" >/dev/null

# listens_on EXTRA-LINE: starts a gateway with both keys and prints the ports of the two that answer.
listens_on() {
  mkdir -p conf
  printf '%s\n' 'rest.address: 127.0.0.1' 'rest.port: 18091' 'rest.bind-port: 18091' \
    'sql-gateway.endpoint.rest.address: 127.0.0.1' 'sql-gateway.endpoint.rest.bind-address: 127.0.0.1' \
    'sql-gateway.endpoint.rest.port: 18092' "$1" > conf/config.yaml
  FLINK_CONF_DIR="$folder/conf" java -Xmx512m --add-opens=java.base/java.util=ALL-UNNAMED \
    --add-opens=java.base/java.lang=ALL-UNNAMED -cp "package/pyflink/lib/*" org.apache.flink.table.gateway.SqlGateway > gateway.log 2>&1 &
  gateway=$!
  local answering=
  for _ in $(seq 120); do
    for port in 18091 18092; do
      if curl -s "http://127.0.0.1:$port/v2/info" | grep -q Flink; then answering="$answering $port"; fi
    done
    [ -z "$answering" ] || break
    kill -0 "$gateway" 2>/dev/null || { tail -5 gateway.log; break; }
    sleep 0.5
  done
  kill -KILL "$gateway"; wait "$gateway" 2>/dev/null || true; gateway=
  echo "${answering# }"
}

without=$(listens_on '')
with=$(listens_on 'sql-gateway.endpoint.rest.bind-port: 18092')
echo "sql-gateway.endpoint.rest.port = 18092, rest.bind-port = 18091: answers on ${without:-no port}"
echo "the same with sql-gateway.endpoint.rest.bind-port = 18092:      answers on ${with:-no port}"
[ "$without" = 18091 ] && [ "$with" = 18092 ] || { echo 'The behaviour has changed.'; exit 1; }
