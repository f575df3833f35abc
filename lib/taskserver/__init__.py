"""A small web app that serves the task pages of one run: locally and on Heroku the same, from one folder.

THE FOLDER is all that a launcher has to build. It need not import anything from here:

    Procfile  requirements.txt  .python-version     copied from this package's own folder
    taskserver/  webworker/                         this package's folder, and what serves it, copied whole
    run.json        one object: run_id, task_name (strings), allowed_concurrent (0 is no limit),
                    assignment_duration_in_seconds (whole numbers), and, if pages are to be submitted
                    anywhere but to Amazon or this machine, submit_origins (["https://crowd.example.org"]; a
                    site below a path of its host with that path); POST /sites adds more
    template.html   Jinja2, autoescaped; a name that is not defined is an error
    rows.jsonl      one JSON object a line, UTF-8, "\\n" after each: line i (from 0) is the row of unit i
    rows.offsets    where line i begins in rows.jsonl: 8 bytes each, unsigned, little-endian

The last two are written together, one row at a time:

    for row in rows:
        offsets.write(lines.tell().to_bytes(8, "little"))
        lines.write(json.dumps(row).encode() + b"\\n")

Row i is then two short reads at known places, so a run of a million rows starts as fast as one of a hundred.

THE ENVIRONMENT holds the rest. CROWDOPS_RUN_TOKEN: the run's secret, 16 characters or more (required). PORT:
where to listen (8000). CROWDOPS_HOST: on which address (127.0.0.1, but 0.0.0.0 on Heroku, which sets DYNO).
WEB_CONCURRENCY: processes (1). DATABASE_URL: PostgreSQL for the leases, which several machines can share and
which outlives a dyno's daily restart; without it they are in leases.db in the folder, which is safe for
several processes on one machine.

A UNIT'S LINK carries a key that nobody can guess, since the rows are nobody else's business:

    key = hmac.new(token.encode(), b"unit:%d" % index, "sha256").hexdigest()
    ExternalURL = f"{server}/unit/{index}?key={key}"

THE TEMPLATE sees the row's fields, `row` (the whole of it), the fields whose names are no names in another
spelling (names.py), nothing for null and, over any fields of the same name: assignmentId, hitId, workerId,
turkSubmitTo (as the worker site gave them, and checked), submit_url (the form's action) and preview (true
before the worker accepts). The answers go from the page straight to the worker site, so the least form is

    <form method="post" action="{{ submit_url }}">
      <input type="hidden" name="assignmentId" value="{{ assignmentId }}">

and works without JavaScript, and even if this server is gone by then.

LEASES keep allowed_concurrent. Opening the page of an accepted assignment takes a lease on (assignment,
worker); opening it again renews that same lease. A worker who holds allowed_concurrent others sees a page
that says which to finish first. Since a submission does not pass this server, a lease ends by the first of:

    1. a script in the page reports the submission as it happens (POST /release, signed for that one lease);
    2. the worker says on the refusal page that it is submitted or returned (a button, signed likewise);
    3. the run's own process, which reads submissions from the API, reports them (POST /leases/release);
    4. the deadline: assignment_duration_in_seconds after the page was last opened. No assignment outlasts it.

A worker who says 2 without having done so gives up the lease all the same: who opens that page again needs
another. The query parameters are not signed by the worker site, so whoever has a unit's link can make up a
worker id: the cap guides honest workers and does not stop forgers.

HTTP:

    GET  /unit/<i>?key=&assignmentId=&hitId=&workerId=&turkSubmitTo=    the page. 400 bad parameters, 403 bad
                             key, 404 no such unit, 409 too many open, 503 draining: each a page for a person
    GET  /health             {"status": "ok", "run_id", "task_name", "active", "served", "draining"}: active
                             leases now, leases ever given; 503 when the leases' database does not answer
    POST /drain              no new leases from now on; who has a page keeps it. Safe to repeat
    POST /sites              {"submit_origins": [...]}: the crowd server is seen at these addresses now, and
                             pages may be submitted there, too. Kept with the leases. Safe to repeat
    POST /leases/release     {"leases": [{"assignment_id", "worker_id"}, ...]}: end them. Safe to repeat

The three last need "Authorization: Bearer <token>", else 403.
"""
