#!/bin/bash
# Starts mongod as a replica set of one, whose members (one) know each other by a key file. mongod takes that file only
# if nobody else may read it, and secrets are readable to all inside; hence the copy.
set -euo pipefail
install -m 400 /run/secrets/mongo_keyfile /tmp/keyfile
exec docker-entrypoint.sh mongod --replSet rs0 --keyFile /tmp/keyfile --bind_ip_all \
    --wiredTigerCacheSizeGB "${MODELBUS_MONGO_CACHE_GB:-0.5}" --setParameter diagnosticDataCollectionEnabled=false
