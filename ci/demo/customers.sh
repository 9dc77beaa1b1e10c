#!/bin/bash
# A few customers order and pay over HTTP, so that the backup holds rows the application wrote itself. Runs in the
# database's container, which has curl and jq.
# customers.sh [WORD]: each order's key begins with WORD, so that another one makes other orders.
set -euo pipefail
base=http://app:8080

# ask PATH BODY [TOKEN]: prints the answer, and fails unless the shop says ok.
ask() {
  local answer
  answer=$(curl -sS --max-time 5 -H "Authorization: Bearer ${3:-}" -d "$2" "$base$1")
  jq -e .ok >/dev/null <<<"$answer" || {
    echo "demo: $1 was answered by $answer" >&2
    exit 1
  }
  printf '%s' "$answer"
}

for n in $(seq 1 20); do
  token=$(ask /api/login "{\"name\":\"customer$n\",\"password\":\"password-$n\"}" | jq -r .token)
  order=$(ask /api/orders "{\"request_key\":\"${1:-first}-$n\",\"lines\":[{\"product_id\":$n,\"quantity\":2}]}" "$token")
  ask "/api/orders/$(jq .order.id <<<"$order")/pay" "{\"amount_cents\":$(jq .order.total_cents <<<"$order")}" \
    "$token" >/dev/null
done
