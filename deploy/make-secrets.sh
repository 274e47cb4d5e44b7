#!/bin/sh
# Makes the secrets that docker-compose.yml mounts, each as a file; those that are there already stay as they are.
#
#   deploy/make-secrets.sh [FOLDER]      deploy/secrets by default
#
# The folder is for its owner alone. The files inside are readable to all, because a service in a container is somebody
# else than whoever made them, and sees only those that are mounted for it.
set -eu
folder=${1:-"$(dirname "$0")/secrets"}
umask 077
mkdir -p "$folder"
cd "$folder"

random_hex() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
random_key() { printf 'mbk_%s' "$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n')"; }
sha256() { printf '%s' "$1" | sha256sum | cut -d' ' -f1; }
secret() { # NAME COMMAND...: keep what is there, else what the command prints
    name=$1
    shift
    [ -s "$name" ] || "$@" >"$name"
    chmod 444 "$name"
}
redis_users() {
    printf 'user default off\n'
    # What the services do: everything but administration. `health` may ask whether Redis answers.
    printf 'user modelbus on #%s ~* &* +@all -@dangerous -@admin\n' "$(sha256 "$(cat redis_password)")"
    printf 'user health on nopass -@all +ping\n'
}
mongo_url() { printf 'mongodb://modelbus:%s@mongo:27017/?replicaSet=rs0&authSource=modelbus' "$(cat mongo_password)"; }
bus_url() { printf 'redis://modelbus:%s@redis:6379/0' "$(cat redis_password)"; }
keyfile() { head -c 258 /dev/urandom | base64 | tr -d '\n'; }

secret redis_password random_hex 24
secret redis_users redis_users
secret mongo_root_password random_hex 24
secret mongo_password random_hex 24
secret mongo_keyfile keyfile
secret modelbus_mongo_url mongo_url
secret modelbus_bus_url bus_url
secret modelbus_admin_key random_key
secret modelbus_metrics_key random_key
secret grafana_password random_hex 16
echo "secrets are in $(pwd); the gateway's admin key: cat $(pwd)/modelbus_admin_key"
