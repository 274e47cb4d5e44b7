#!/bin/bash
# Healthy is who is primary. The first time it makes mongod the primary of a set of one; later it only looks whether
# mongod answers, because a mongosh every few seconds takes more of the machine than mongod itself.
set -euo pipefail
if [ -e /tmp/primary ]; then
    exec 3<>/dev/tcp/127.0.0.1/27017
else
    mongosh --quiet --norc --nodb --file /etc/modelbus/primary.js
    touch /tmp/primary
fi
