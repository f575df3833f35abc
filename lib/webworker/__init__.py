"""The process that serves, for the crowd server and for the task server: waitress, under gunicorn's arbiter.

gunicorn starts the processes, keeps their number and stops them. In each of them waitress reads requests and
writes answers in one loop; a thread gets a request once it is whole. So who sends half a request, or takes an
answer byte by byte, holds a connection and nothing more.

THE LIMITS of one process:

    REQUEST_SECONDS         a request that is not whole by then is dropped; so is a connection that sends none
    keepalive               (gunicorn's setting) how long a connection may stay idle between requests
    CONNECTIONS             how many are open at once
    ADDRESS_CONNECTIONS     how many of these from one address
    HEAD_BYTES              a request's first line and headers; more is answered with 431
    BODY_BYTES              of a body; more is read and thrown away, and the application refuses it in words

One connection too many closes another one that is not being served: of those with half a request the oldest,
or else the one that has been idle for longest. Only where all are being served is the new one closed. So the
limit on an address may be reached by many workers behind one router, or by a proxy, without harm.

It knows neither of the two servers and is copied with the task server where that is deployed.
"""
