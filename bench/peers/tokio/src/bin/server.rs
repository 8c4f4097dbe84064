// SPDX-License-Identifier: MIT
//! What a server asks of its runtime, in Tokio: `server SCENARIO WORKERS [N]`, the scenarios of ../../../../mixed_server.cpp, idle.cpp (here
//! `idle` and `idle_sleeps`) and stuck_poll.cpp.

use std::fs;
use std::future::Future;
use std::io::{ErrorKind, Write};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use peers::{measure, number, report, scenario, time_of, usage};
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{spawn_blocking, yield_now};
use tokio::time::sleep;

fn milliseconds(time: Duration) -> f64 {
    time.as_nanos() as f64 * 1e-6
}

// --- mixed server

const PAUSE: Duration = Duration::from_millis(1);
const COMPUTING: Duration = Duration::from_millis(2);
const LOAD: f64 = 0.7;
const MEAN_GAP_NS: f64 = COMPUTING.as_nanos() as f64 / LOAD / 2.0;
const ROUNDS: usize = 10;

fn thread_cpu_time() -> Duration {
    time_of(libc::CLOCK_THREAD_CPUTIME_ID)
}

fn compute() {
    let mut x: u64 = 1;
    let end = thread_cpu_time() + COMPUTING;
    while thread_cpu_time() < end {
        for _ in 0..1_000 {
            x = std::hint::black_box(
                x.wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407),
            );
        }
    }
}

/// xorshift64: the same requests here and in ours.
struct RandomNumbers(u64);

impl RandomNumbers {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) + 1) as f64 / (1u64 << 53) as f64
    }
}

#[derive(Clone, Copy)]
struct Request {
    due: Duration,
    is_long: bool,
}

fn requests_of_round(round: usize, n: usize) -> Vec<Request> {
    let mut random = RandomNumbers(round as u64 + 1);
    for _ in 0..16 {
        random.next();
    }
    let mut due = 0.0;
    (0..n)
        .map(|_| {
            due += -random.next().ln() * MEAN_GAP_NS;
            let is_long = random.next() <= 0.5;
            Request {
                due: Duration::from_nanos(due as u64),
                is_long,
            }
        })
        .collect()
}

async fn serve(due: Instant, is_long: bool, served: mpsc::Sender<(bool, Duration)>) {
    sleep(PAUSE).await;
    if is_long {
        spawn_blocking(compute).await.unwrap();
    }
    let _ = served.send((is_long, due.elapsed()));
}

/// How long each took; the short ones and the long ones.
fn run_round(runtime: &Runtime, all: &[Request], with_long: bool) -> [Vec<Duration>; 2] {
    let (served, results) = mpsc::channel();
    let start = Instant::now();
    for one in all.iter().filter(|one| with_long || !one.is_long) {
        let due = start + one.due;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        runtime.spawn(serve(due, one.is_long, served.clone()));
    }
    drop(served);
    let mut took = [Vec::new(), Vec::new()];
    for (is_long, time) in results {
        took[is_long as usize].push(time);
    }
    took
}

fn percentile(all: &[Duration], per_mille: usize) -> f64 {
    let mut sorted = all.to_vec();
    sorted.sort();
    milliseconds(sorted[(sorted.len() - 1) * per_mille / 1000])
}

fn report_histogram(name: &str, all: &[Duration]) {
    let mut counts = std::collections::BTreeMap::new();
    for time in all {
        *counts
            .entry((milliseconds(*time).max(1e-3).log2() * 8.0).floor() as i32)
            .or_insert(0) += 1;
    }
    for (bucket, count) in counts {
        println!("{name} {:.4} {count}", (bucket as f64 / 8.0).exp2());
    }
}

fn mixed_server(workers: usize, n: usize) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(workers)
        .max_blocking_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (mut alone, mut beside, mut long_ones) = (Vec::new(), Vec::new(), Vec::new());
    measure(n, || {
        for round in 0..ROUNDS {
            let all = requests_of_round(round, (n / ROUNDS).max(10));
            let [short, _] = run_round(&runtime, &all, false);
            alone.extend(short);
            let [short, long] = run_round(&runtime, &all, true);
            beside.extend(short);
            long_ones.extend(long);
        }
    });
    for (name, all) in [("alone", &alone), ("short", &beside), ("long", &long_ones)] {
        report(&format!("{name}_p50_ms"), percentile(all, 500));
        report(&format!("{name}_p99_ms"), percentile(all, 990));
    }
    report(
        "p99_added_ms",
        percentile(&beside, 990) - percentile(&alone, 990),
    );
    report_histogram("short_ms", &beside);
    report_histogram("alone_ms", &alone);
}

// --- idle

fn usage_of_other_threads() -> (u64, u64) {
    let mine = unsafe { libc::gettid() }.to_string();
    let (mut switches, mut cpu_ns) = (0, 0);
    for thread in fs::read_dir("/proc/self/task").unwrap() {
        let thread = thread.unwrap();
        if thread.file_name().to_str() == Some(&mine) {
            continue;
        }
        let status = fs::read_to_string(thread.path().join("status")).unwrap();
        for line in status
            .lines()
            .filter(|line| line.contains("ctxt_switches:"))
        {
            switches += line
                .split_whitespace()
                .last()
                .unwrap()
                .parse::<u64>()
                .unwrap();
        }
        let times = fs::read_to_string(thread.path().join("schedstat")).unwrap();
        cpu_ns += times.split(' ').next().unwrap().parse::<u64>().unwrap();
    }
    (switches, cpu_ns)
}

fn idle(workers: usize, n: usize, with_sleeps: bool) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .unwrap();
    for _ in 0..100 {
        let yield_often = async {
            for _ in 0..1_000 {
                yield_now().await;
            }
        };
        runtime.block_on(runtime.spawn(yield_often)).unwrap();
    }
    if with_sleeps {
        for _ in 0..1_000 {
            runtime.spawn(sleep_for_an_hour());
        }
    }
    thread::sleep(Duration::from_secs(2));
    let before = usage_of_other_threads();
    measure(n, || thread::sleep(Duration::from_secs(n as u64)));
    let after = usage_of_other_threads();
    report("switches", (after.0 - before.0) as f64);
    report("cpu_ms", (after.1 - before.1) as f64 * 1e-6);
}

fn sleep_for_an_hour() -> impl Future<Output = ()> + Send {
    async { sleep(Duration::from_secs(3_600)).await }
}

// --- stuck poll

const BLOCKS_FOR: Duration = Duration::from_millis(500);
const BETWEEN_BLOCKS: Duration = Duration::from_millis(100);
const PERIOD: Duration = Duration::from_millis(1);
const TASKS_EACH: usize = 4;

#[derive(Default)]
struct LongestWait(AtomicU64);

impl LongestWait {
    fn add(&self, waited: Duration) {
        self.0.fetch_max(waited.as_nanos() as u64, Ordering::SeqCst);
    }
    fn ms(&self) -> f64 {
        self.0.load(Ordering::SeqCst) as f64 * 1e-6
    }
}

#[derive(Default)]
struct Waits {
    outside: LongestWait,
    timer: LongestWait,
    socket: LongestWait,
    queued: LongestWait,
    next: LongestWait,
    is_over: AtomicBool,
}

async fn keep_sleeping(all: Arc<Waits>) {
    while !all.is_over.load(Ordering::SeqCst) {
        let due = Instant::now() + PERIOD;
        sleep(PERIOD).await;
        all.timer.add(due.elapsed());
    }
}

async fn keep_reading(all: Arc<Waits>, epoch: Instant, from: StdUnixStream) {
    from.set_nonblocking(true).unwrap();
    let mut from = UnixStream::from_std(from).unwrap();
    while let Ok(written) = from.read_u64().await {
        all.socket
            .add(epoch.elapsed() - Duration::from_nanos(written));
    }
}

async fn block(all: Arc<Waits>, by_computing: bool) {
    for _ in 0..TASKS_EACH {
        let (all, since) = (all.clone(), Instant::now());
        tokio::spawn(async move { all.queued.add(since.elapsed()) });
    }
    let since = Instant::now();
    tokio::spawn(async move { all.next.add(since.elapsed()) });
    if by_computing {
        while since.elapsed() < BLOCKS_FOR {}
    } else {
        thread::sleep(BLOCKS_FOR);
    }
}

fn stuck_poll(workers: usize, n: usize) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .unwrap();
    let all = Arc::new(Waits::default());
    let epoch = Instant::now();
    let mut other_ends = Vec::new();
    for _ in 0..TASKS_EACH {
        runtime.spawn(keep_sleeping(all.clone()));
        let (mine, other) = StdUnixStream::pair().unwrap();
        runtime.spawn(keep_reading(all.clone(), epoch, mine));
        other.set_nonblocking(true).unwrap();
        other_ends.push(other);
    }
    measure(n, || {
        for i in 0..n {
            runtime.spawn(block(all.clone(), i % 2 != 0));
            let end = Instant::now() + BLOCKS_FOR + BETWEEN_BLOCKS;
            while Instant::now() < end {
                thread::sleep(PERIOD);
                let (waits, since) = (all.clone(), Instant::now());
                runtime.spawn(async move { waits.outside.add(since.elapsed()) });
                // One whose reader is behind by hundreds takes no more, and the wait is seen by what it has.
                for each in &mut other_ends {
                    let now = epoch.elapsed().as_nanos() as u64;
                    match each.write(&now.to_be_bytes()) {
                        Err(error) if error.kind() == ErrorKind::WouldBlock => (),
                        written => assert_eq!(written.unwrap(), 8),
                    }
                }
            }
        }
    });
    let mut longest = 0.0;
    for (name, wait) in [
        ("outside_ms", &all.outside),
        ("timer_ms", &all.timer),
        ("socket_ms", &all.socket),
        ("queued_ms", &all.queued),
        ("next_ms", &all.next),
    ] {
        report(name, wait.ms());
        longest = wait.ms().max(longest);
    }
    report("longest_wait_ms", longest);
    all.is_over.store(true, Ordering::SeqCst);
}

fn main() {
    let workers = number(2, 1);
    match scenario().as_str() {
        "mixed_server" => mixed_server(workers, number(3, 3_500)),
        "idle" => idle(workers, number(3, 5), false),
        "idle_sleeps" => idle(workers, number(3, 5), true),
        "stuck_poll" => stuck_poll(workers, number(3, 4)),
        _ => usage("usage: server mixed_server|idle|idle_sleeps|stuck_poll [WORKERS [N]]"),
    }
}
