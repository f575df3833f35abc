#!/usr/bin/env bash
# A whole run, from a CSV file to answers, in a temporary home: `make demo`.
# Every line that starts with "$" below is a command that you can type yourself.
set -euo pipefail
cd "$(dirname "$0")/.."

home=$(mktemp -d "${TMPDIR:-/tmp}/crowdops-demo.XXXXXX")
export CROWDOPS_HOME=$home CROWDOPS_ENV_FILE=/dev/null CROWDOPS_POLL_INTERVAL=0.5
unset AWS_ENDPOINT_URL_MTURK CROWDOPS_ENVIRONMENT
crowd='' workers='' run=''

stop() { # end a process that this script started, and wait for it
  [ -n "$1" ] || return 0
  kill "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}

finish() {
  local code=$?
  stop "$run"
  stop "$workers"
  stop "$crowd"
  [ "$code" = 0 ] || { echo "The demo failed ($code). What the processes said:" >&2; tail -n 20 "$home"/*.log >&2; }
  rm -rf "$home"
}
trap finish EXIT
trap 'exit 130' INT TERM

show() { echo; echo "\$ $*"; "$@"; }

echo "1. A crowd server: the MTurk Requester API for us, a site for workers."
mkfifo "$home/ready"
python scripts/local/serve_crowd.py --port 0 >"$home/ready" 2>"$home/crowd.log" &
crowd=$!
read -r line <"$home/ready"
export AWS_ENDPOINT_URL_MTURK=${line##* }
echo "   $line"

echo
echo "2. Six simulated workers, who return 5 % of what they accept."
python scripts/local/simulate_workers.py --workers 6 --seed 7 --seconds-per-task 0.8 --return-rate 0.05 \
  --until-idle 120 >"$home/workers.log" 2>&1 &
workers=$!

echo
echo "3. A run: a HIT of every row of examples/items.csv, at most 20 at once."
echo
echo "\$ scripts/mturk/launch_run.py examples/run.toml --yes"
# Line by line, as in a log: a line that is drawn again and again would run into what is said meanwhile.
# Not through a pipe: $! has to be the launch itself, which is told to end if this script is.
TERM=dumb python scripts/mturk/launch_run.py examples/run.toml --yes &
run=$!

units=$(($(wc -l <examples/items.csv) - 1))
until python scripts/local/print_runs.py --json | python -c "
import json, sys
sys.exit(not any(run['assignments'] >= $units / 2 for run in json.load(sys.stdin)['runs']))"; do
  kill -0 "$run" 2>/dev/null || break
  sleep 0.2
done
echo
echo "4. Halfway. What is outstanding, and is it safe to shut down?"
show python scripts/mturk/print_outstanding_hit_status.py
wait "$run"
run=''

echo
echo "5. The results: every row has its answers."
show python scripts/mturk/download_results.py --task-name 'library-*' --format table
python scripts/mturk/download_results.py --task-name 'library-*' --json --offline | python -c "
import json, sys
answered = {result['unit_index'] for result in json.load(sys.stdin) if result['answer'].get('need')}
sys.exit(f'only {len(answered)} of $units rows have answers' if len(answered) != $units else 0)"

echo
echo "6. Nothing is left behind."
show python scripts/mturk/print_outstanding_hit_status.py
stop "$workers"; workers=''
echo
echo "What the workers did:"
tail -n 3 "$home/workers.log"
stop "$crowd"; crowd=''
echo "The workers and the crowd server have stopped. All $units rows have their answers."
echo "Next: your own rows and page. See docs/first-hour.md."
