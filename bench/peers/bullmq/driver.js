// BullMQ's side of bench/peers, started by it once a round.
//
// The last argument is a job as JSON (see job in driver.go); one line of JSON
// with the figures is the answer. Producer and worker are two processes of this
// program when both are needed. Times are CLOCK_MONOTONIC, which all share.
'use strict';

const { fork } = require('node:child_process');
const { setTimeout: sleep } = require('node:timers/promises');
const { Queue, Worker } = require('bullmq');

const PAYLOAD = 'x'.repeat(100);
const NAME = 'bench';
const BATCH = 1000; // jobs of one addBulk
const SENDERS = 8;
const options = { removeOnComplete: true, removeOnFail: true };

const now = () => process.hrtime.bigint();
const seconds = (since) => Number(now() - since) / 1e9;

// connection is the form that BullMQ documents: it makes ioredis clients itself.
function connection(job) {
  const url = new URL(job.url);
  return { host: url.hostname, port: Number(url.port), maxRetriesPerRequest: null };
}

// spread makes n calls, so many at a time.
async function spread(callers, n, call) {
  let next = 0;
  const caller = async () => {
    while (next < n) await call(next++);
  };
  await Promise.all(Array.from({ length: Math.min(callers, n) }, caller));
}

async function fill(queue, n) {
  for (let left = n; left > 0; left -= BATCH) {
    const jobs = Array.from({ length: Math.min(left, BATCH) }, () => ({ name: 'noop', data: { p: PAYLOAD }, opts: options }));
    await queue.addBulk(jobs);
  }
}

async function single(queue, job) {
  const began = now();
  await spread(job.concurrency, job.tasks, () => queue.add('noop', { p: PAYLOAD }, options));
  return { rate: job.tasks / seconds(began) };
}

async function bulk(queue, job) {
  const began = now();
  await fill(queue, job.tasks);
  return { rate: job.tasks / seconds(began) };
}

async function bytes(queue, job) {
  await fill(queue, job.tasks);
  return { bytes: 0 };
}

// work starts a worker and resolves when so many jobs are completed, in Redis too.
function work(job, want, handle) {
  const worker = new Worker(NAME, async (j) => handle(j.data.p), { connection: connection(job), concurrency: job.concurrency });
  const ended = new Promise((resolve, reject) => {
    let done = 0;
    worker.on('completed', () => ++done === want && resolve());
    worker.on('failed', (_, err) => reject(err));
    worker.on('error', reject);
  });
  return { worker, ended };
}

async function drain(queue, job) {
  await fill(queue, job.tasks);
  let first;
  const { worker, ended } = work(job, job.tasks, () => {
    first ??= now();
  });
  await ended;
  const rate = job.tasks / seconds(first);
  await worker.close();
  return { rate };
}

// watch measures latencies: this process works, a child of it produces once a
// first job, which is not counted, has come.
async function watch(queue, job) {
  const ages = [];
  let up;
  const isUp = new Promise((resolve) => (up = resolve));
  const { worker, ended } = work(job, job.tasks + 1, (p) => {
    const age = Number(now() - BigInt(p.trim())) / 1e6;
    if (up) up = up();
    else ages.push(age);
  });
  await queue.add('noop', { p: stamp(now()) }, options);
  await isUp;
  await produced(fork(__filename, [JSON.stringify({ ...job, kind: `produce ${job.kind}` })], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }));
  await ended;
  await worker.close();
  ages.sort((a, b) => a - b);
  return { p50: percentile(ages, 0.5), p99: percentile(ages, 0.99) };
}

const produced = (child) =>
  new Promise((resolve, reject) => child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`producer: exit ${code}`)))));

const percentile = (ages, p) => ages[Math.min(ages.length - 1, Math.floor(ages.length * p))];

const stamp = (ns) => String(ns).padEnd(100);

async function producePickup(queue, job) {
  const began = now();
  await spread(SENDERS, job.tasks, async (i) => {
    const wait = (i * 1000) / job.rate - seconds(began) * 1000;
    if (wait > 0) await sleep(wait);
    await queue.add('noop', { p: stamp(now()) }, options);
  });
}

async function produceLate(queue, job) {
  const first = now() + BigInt(job.lead * 1e9);
  await spread(SENDERS, job.tasks, async (i) => {
    const due = first + BigInt(Math.round((job.over * 1e9 * i) / job.tasks));
    await queue.add('noop', { p: stamp(due) }, { ...options, delay: Math.max(0, Number(due - now()) / 1e6) });
  });
}

const kinds = { single, bulk, bytes, drain, pickup: watch, late: watch, 'produce pickup': producePickup, 'produce late': produceLate };

async function main() {
  if (process.argv[2] === 'version') {
    const version = (name) => require(`${name}/package.json`).version;
    console.log(`${version('bullmq')} (ioredis ${version('ioredis')}, Node ${process.versions.node})`);
    return;
  }
  const job = JSON.parse(process.argv[2]);
  const queue = new Queue(NAME, { connection: connection(job) });
  await queue.waitUntilReady();
  const figures = await kinds[job.kind](queue, job);
  await queue.close();
  console.log(JSON.stringify(figures ?? {}));
}

process.on('SIGINT', () => process.exit(1));
process.on('disconnect', () => process.exit(1)); // of a producer: its worker is gone
main().then(
  () => process.exit(0),
  (err) => {
    console.error(err);
    process.exit(1);
  },
);
