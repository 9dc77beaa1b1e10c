#!/bin/bash
# Fills the foreign application through its own API, from where http://app:8080 is it: a reader (a user who is not
# the administrator), four categories, twelve feeds, 480 articles of which a quarter is unread. Run by backup.sh.
set -euo pipefail
url=http://app:8080/v1
admin=admin:foreign-admin-pw
reader=reader:foreign-reader-pw
call() { curl -fsS --retry 3 -H 'Content-Type: application/json' "$@"; }

call -u "$admin" "$url/users" -d '{"username":"reader","password":"foreign-reader-pw","is_admin":false}' >/dev/null
# With a key instead of the password the application hashes no password at every request.
token=$(call -u "$reader" "$url/api-keys" -d '{"description":"filling"}' | jq -er .token)
auth="X-Auth-Token: $token"

{
  echo '<?xml version="1.0"?><opml version="2.0"><body>'
  for topic in Science Engineering Music Gardening; do
    echo "<outline text=\"$topic\">"
    for n in 1 2 3; do
      echo "<outline title=\"$topic $n\" text=\"$topic $n\" xmlUrl=\"https://feeds.example.com/$topic/$n.xml\"" \
        "htmlUrl=\"https://feeds.example.com/$topic/$n\"/>"
    done
    echo '</outline>'
  done
  echo '</body></opml>'
} | curl -fsS -H "$auth" --data-binary @- "$url/import" >/dev/null

feeds=$(call -H "$auth" "$url/feeds" | jq -er '.[].id')
day=1750000000 # of the first article, in seconds since 1970: the same content in every backup
for feed in $feeds; do
  for n in $(seq 40); do
    status=read
    if [ $((n % 4)) = 0 ]; then status=unread; fi
    # One curl for all requests of a feed; "next" parts them.
    if [ "$n" -gt 1 ]; then echo next; fi
    article=$(printf '{"url":"https://feeds.example.com/%d/%d","title":"Article %d of feed %d","status":"%s",' \
      "$feed" "$n" "$n" "$feed" "$status")
    article+=$(printf '"published_at":%d,"content":"<p>Paragraph %d.</p>"}' $((day + n * 86400)) "$n")
    cat <<END
url = "$url/feeds/$feed/entries/import"
header = "$auth"
output = /dev/null
fail
data = "${article//\"/\\\"}"
END
  done | curl -sS --fail-early -K -
done

have=$(call -H "$auth" "$url/entries?limit=1" | jq -er .total)
unread=$(call -H "$auth" "$url/entries?limit=1&status=unread" | jq -er .total)
if [ "$have" != 480 ] || [ "$unread" != 120 ]; then
  echo "fill: the application has $have articles, $unread unread; expected 480 and 120" >&2
  exit 1
fi
key=$(call -H "$auth" "$url/api-keys" | jq -er '.[0].id')
call -H "$auth" -X DELETE "$url/api-keys/$key"
