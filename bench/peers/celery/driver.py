"""Celery's side of bench/peers, started by it once a round.

The last argument is a job as JSON (see job in driver.go); one line of JSON with
the figures is the answer. Producer and worker are two processes of this program
when both are needed. Times are CLOCK_MONOTONIC, which all processes share.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import celery
import redis

SENDERS = 8  # they keep the pace when a call takes long


def application(url):
    app = celery.Celery("bench", broker=url)
    app.conf.update(
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        task_acks_late=True,
        worker_prefetch_multiplier=64,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
        broker_pool_limit=64,
        broker_connection_retry_on_startup=True,
        worker_enable_remote_control=False,
    )
    app.conf.broker_transport_options = {"visibility_timeout": 3600}
    return app


def spread(threads, n, call):
    """Makes n calls from so many threads."""
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(share, n, i, threads, call) for i in range(threads)]:
            done.result()


def share(n, first, step, call):
    for i in range(first, n, step):
        call(i)


def sleep_until(ns):
    left = (ns - time.monotonic_ns()) / 1e9
    if left > 0:
        time.sleep(left)


class Worker:
    """A worker with a process per core; they report each payload with its age
    through a pipe, and the one that started them collects."""

    def __init__(self, app, job):
        self.app, self.job = app, job
        self.redis = redis.Redis.from_url(job["url"])
        self.reports, out = os.pipe()

        @app.task(name="bench.noop")
        def noop(payload):
            age = time.monotonic_ns() - int(payload)
            os.write(out, age.to_bytes(8, "little", signed=True))  # few bytes: atomic

    def ages(self, n):
        """The ages of the next n tasks, as they start."""
        for _ in range(n):
            yield int.from_bytes(os.read(self.reports, 8), "little", signed=True)

    def run(self, until):
        """Works in the main thread until the function until returns its figures."""
        worker = self.app.Worker(
            pool="prefork", concurrency=min(self.job["concurrency"], os.cpu_count()), loglevel="CRITICAL", quiet=True,
            without_gossip=True, without_mingle=True, without_heartbeat=True,
        )
        with ThreadPoolExecutor(1) as other:

            def stop():
                try:
                    return until()
                finally:
                    worker.stop()

            figures = other.submit(stop)
            try:
                worker.start()
            except SystemExit:
                pass
            return figures.result()

    def settle(self):
        while self.redis.llen("celery") or self.redis.hlen("unacked"):
            time.sleep(0.002)


def send(app, payload, **options):
    app.send_task("bench.noop", (payload,), **options)


def single(app, job):
    began = time.monotonic()
    n = job["tasks"]
    threads = min(job["concurrency"], n)
    spread(threads, n, lambda i: send(app, ZERO))
    return {"rate": n / (time.monotonic() - began)}


def fill(app, job):
    spread(min(8, job["tasks"]), job["tasks"], lambda i: send(app, ZERO))
    return {"bytes": 0}


def drain(app, job):
    fill(app, job)
    worker = Worker(app, job)

    def until():
        ages = worker.ages(job["tasks"])
        next(ages)
        began = time.monotonic()
        for _ in ages:
            pass
        worker.settle()
        return {"rate": job["tasks"] / (time.monotonic() - began)}

    return worker.run(until)


def watch(app, job):
    """Latencies: the worker is here, a child of this process produces once a first
    task, which is not counted, has come."""
    worker = Worker(app, job)
    send(app, ZERO)  # not in until: a send in one thread while another forks may hang the child

    def until():
        list(worker.ages(1))
        child = dict(job, kind="produce " + job["kind"])
        with subprocess.Popen([sys.executable, __file__, json.dumps(child)], stdout=subprocess.DEVNULL) as producer:
            ages = sorted(worker.ages(job["tasks"]))
        if producer.returncode != 0:
            raise RuntimeError("producer: exit %d" % producer.returncode)
        worker.settle()
        return {"p50": percentile(ages, 0.50), "p99": percentile(ages, 0.99)}

    return worker.run(until)


def percentile(ages, p):
    return ages[min(len(ages) - 1, int(len(ages) * p))] / 1e6


def stamp(ns):
    """A payload of 100 bytes that begins with a moment."""
    return str(ns).ljust(100)


ZERO = stamp(0)


def produce_pickup(app, job):
    began = time.monotonic_ns()

    def call(i):
        sleep_until(began + i * 10**9 // job["rate"])
        send(app, stamp(time.monotonic_ns()))

    spread(SENDERS, job["tasks"], call)
    return {}


def produce_late(app, job):
    first = time.monotonic_ns() + int(job["lead"] * 1e9)
    gap = job["over"] * 1e9 / job["tasks"]

    def call(i):
        due = first + int(i * gap)
        send(app, stamp(due), countdown=(due - time.monotonic_ns()) / 1e9)

    spread(SENDERS, job["tasks"], call)
    return {}


KINDS = {
    "single": single, "bytes": fill, "drain": drain, "pickup": watch, "late": watch,
    "produce pickup": produce_pickup, "produce late": produce_late,
}


def main():
    if sys.argv[1] == "version":
        print(celery.__version__, "on Python", sys.version.split()[0])
        return
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGINT, lambda *_: sys.exit(1))
    job = json.loads(sys.argv[1])
    print(json.dumps(KINDS[job["kind"]](application(job["url"]), job)))


if __name__ == "__main__":
    main()
