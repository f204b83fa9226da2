#!/usr/bin/env bash
# A session whose agent asks before it acts, with bash and curl.
set -euo pipefail
url=${GREENROOM_URL:-http://127.0.0.1:8000}

# A key, where the server needs one: through a pipe, since arguments show in the process list.
credentials() {
  if [[ -n ${GREENROOM_API_KEY:-} ]]; then printf 'header = "authorization: Bearer %s"\n' "$GREENROOM_API_KEY"; fi
}

request() { curl --config <(credentials) --silent --show-error --fail-with-body --header 'content-type: application/json' "$@"; }

# The first string of this name in a JSON text. Enough here; a program of yours would rather use jq.
field() {
  local pattern="\"$2\":\"(([^\"\\\\]|\\\\.)*)\""
  [[ $1 =~ $pattern ]] && printf '%b' "${BASH_REMATCH[1]}"
}

started=$(request "$url/execute/" --data '{"prompt": "run: echo hello > greeting.txt", "approvals": "ask"}')
session=$(field "$started" session_id)
echo "session: $session"

# The stream begins with what has happened already: nothing is missed. Every event is a line `event:`, then one `data:`.
exec 3< <(exec curl --config <(credentials) --silent --show-error --fail --no-buffer --header 'accept: text/event-stream' "$url/sessions/$session/events")
stream=$!
kind=
while read -r -u 3 name value; do
  case $name in
    event:) kind=$value ;;
    data:)
      if [[ $kind == approval && $value == *'"phase":"requested"'* ]]; then
        echo "asks: $(field "$value" tool_name) $(field "$value" command)"
        answered=$(request "$url/approvals/$(field "$value" approval_id)" --data '{"decision": "allow"}')
        echo "answer: $(field "$answered" status)"
      elif [[ $kind == turn && $value == *'"phase":"ended"'* ]]; then
        break
      fi
      ;;
  esac
done
kill "$stream" 2>/dev/null || true

session_now=$(request "$url/sessions/$session")
echo "state: $(field "$session_now" status)"
echo "result: $(field "${session_now#*'"result":'}" text)"
[[ $session_now =~ \"cost_usd\":([0-9.e-]+) ]] && echo "cost: \$${BASH_REMATCH[1]}"
