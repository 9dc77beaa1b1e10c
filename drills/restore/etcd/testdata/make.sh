#!/bin/bash
# Makes snapshots of a cluster with keys of several revisions, deleted ones and a lease (snap.db), and of the same once it asks for a
# password (auth.db), and writes them to standard output as a tar: docker run --rm -i --network none lifeboat/etcd:3.4 bash -s < make.sh
set -e
cd /tmp
etcd --data-dir /tmp/d --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 >/tmp/log 2>&1 &
for i in $(seq 100); do etcdctl endpoint health >/dev/null 2>&1 && break; sleep 0.1; done
mkdir out
for i in $(seq 1 40); do etcdctl put /registry/pods/p$i value-$i >/dev/null; done
for i in $(seq 1 5); do etcdctl del /registry/pods/p$i >/dev/null; done
for i in $(seq 1 30); do etcdctl put /registry/pods/p9 other$i >/dev/null; done
etcdctl put /registry/secrets/s1 hidden >/dev/null
L=$(etcdctl lease grant 3600 | awk '{print $2}')
etcdctl put --lease=$L /registry/leases/l1 x >/dev/null
head -c 1500 /dev/urandom | base64 -w0 | etcdctl put /registry/big >/dev/null
etcdctl snapshot save out/snap.db >/dev/null 2>&1
etcdctl user add root:sesame >/dev/null; etcdctl user grant-role root root >/dev/null;  etcdctl auth enable >/dev/null
etcdctl --user root:sesame snapshot save out/auth.db >/dev/null 2>&1
# another server, compacted at a deletion
export ETCDCTL_ENDPOINTS=http://127.0.0.1:2479
etcd --data-dir /tmp/c --listen-client-urls $ETCDCTL_ENDPOINTS --advertise-client-urls $ETCDCTL_ENDPOINTS --listen-peer-urls http://127.0.0.1:2480 \
  --initial-advertise-peer-urls http://127.0.0.1:2480 --initial-cluster default=http://127.0.0.1:2480 >/tmp/log2 2>&1 &
for i in $(seq 100); do etcdctl endpoint health >/dev/null 2>&1 && break; sleep 0.1; done
for i in 1 2 3 4 5; do etcdctl put /k/$i v$i >/dev/null; done
etcdctl del /k/5 >/dev/null; etcdctl compact 7 >/dev/null; sleep 2
etcdctl snapshot save out/compacted.db >/dev/null 2>&1
tar -cf - -C out .
