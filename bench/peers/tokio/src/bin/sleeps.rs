// SPDX-License-Identifier: MIT
//! The scenarios of ../../../../sleeps.cpp in Tokio: `sleeps SCENARIO [WORKERS [N]]`.

use std::future::{poll_fn, Future};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use peers::{number, report, scenario, time_of, usage};
use tokio::runtime::Runtime;
use tokio::task::yield_now;
use tokio::time::sleep;

/// After so many a task yields, as in ours.
const BATCH: usize = 1_000;

fn cpu_time() -> Duration {
    time_of(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// How long the sleep number `i` is, of those spread over `[from, to)` ms.
fn spread(i: usize, from: u64, to: u64) -> Duration {
    Duration::from_micros(from * 1_000 + i as u64 * 7_919 % ((to - from) * 1_000))
}

/// One task a sleep; how late each was.
async fn sleep_in_tasks(n: usize, from: u64, to: u64) -> Vec<Duration> {
    let start_one = |i| {
        let duration = spread(i, from, to);
        tokio::spawn(async move {
            let start = Instant::now();
            sleep(duration).await;
            start.elapsed() - duration
        })
    };
    let mut tasks = Vec::with_capacity(n);
    for i in 0..n {
        tasks.push(start_one(i));
        if i % BATCH == BATCH - 1 {
            yield_now().await;
        }
    }
    let mut late = Vec::with_capacity(n);
    for task in tasks {
        late.push(task.await.unwrap());
    }
    late
}

fn fire(runtime: &Runtime, n: usize, from: u64, to: u64) {
    let round = || {
        runtime
            .block_on(runtime.spawn(sleep_in_tasks(n, from, to)))
            .unwrap()
    };
    round();
    let before = cpu_time();
    let mut late = round();
    let cpu = cpu_time() - before;
    report("cpu_ns_per_sleep", cpu.as_nanos() as f64 / n as f64);
    late.sort();
    for (metric, place) in [
        ("late_p50_us", n / 2),
        ("late_p99_us", n * 99 / 100),
        ("late_max_us", n - 1),
    ] {
        report(metric, late[place].as_nanos() as f64 * 1e-3);
    }
}

/// A sleep is registered at its first poll, and taken out when it is dropped.
async fn arm_and_drop(duration: Duration) {
    let mut dropped = pin!(sleep(duration));
    poll_fn(|context| {
        assert!(dropped.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await
}

async fn arm_and_drop_many(n: usize) {
    let start = Instant::now();
    for i in 0..n {
        arm_and_drop(spread(i, 1_000, 30_000)).await;
        if i % BATCH == BATCH - 1 {
            yield_now().await;
        }
    }
    report("ns_per_sleep", start.elapsed().as_nanos() as f64 / n as f64);
}

async fn arm_and_drop_behind(n: usize) {
    let mut earlier = pin!(sleep(Duration::from_millis(990)));
    poll_fn(|context| {
        assert!(earlier.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
    // The worker waits for something once, and so gets to know of the earlier one.
    sleep(Duration::from_millis(2)).await;
    arm_and_drop_many(n).await;
}

fn main() {
    let workers = number(2, 1);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .unwrap();
    match scenario().as_str() {
        "fire" => fire(&runtime, number(3, 100_000), 1, 50),
        "fire_slowly" => fire(&runtime, number(3, 100_000), 500, 1_500),
        "arm_and_drop" => runtime
            .block_on(runtime.spawn(arm_and_drop_many(number(3, 1_000_000))))
            .unwrap(),
        "arm_and_drop_behind" => runtime
            .block_on(runtime.spawn(arm_and_drop_behind(number(3, 1_000_000))))
            .unwrap(),
        _ => usage("usage: sleeps fire|fire_slowly|arm_and_drop|arm_and_drop_behind [WORKERS [N]]"),
    }
}
