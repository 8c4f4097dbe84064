// SPDX-License-Identifier: MIT
//! Empty jobs by `spawn_blocking`, awaited in a task on one worker: `offload bulk|bulk_bounded|round_trip WORKERS [N]`, the scenarios of
//! ../../../../offload.cpp and ../../../../offload_round_trip.cpp. WORKERS is the number of threads that run jobs: in `bulk_bounded` and
//! `round_trip` by `max_blocking_threads`, while `bulk` leaves that at its default, 512, as most programs do.

use peers::{measure, number, scenario, usage};
use tokio::task::{spawn_blocking, JoinHandle};

const IN_FLIGHT: usize = 1_000;

async fn in_bulk(n: usize) -> usize {
    let start_one = || spawn_blocking(|| 1);
    let mut window: Vec<JoinHandle<usize>> = Vec::with_capacity(IN_FLIGHT);
    let mut sum = 0;
    for i in 0..n {
        if i < IN_FLIGHT {
            window.push(start_one());
        } else {
            let slot = &mut window[i % IN_FLIGHT];
            sum += (&mut *slot).await.unwrap();
            *slot = start_one();
        }
    }
    for job in window {
        sum += job.await.unwrap();
    }
    sum
}

async fn in_sequence(n: usize) -> usize {
    let mut sum = 0;
    for _ in 0..n {
        sum += spawn_blocking(|| 1).await.unwrap();
    }
    sum
}

fn main() {
    let scenario = scenario();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1);
    if scenario != "bulk" {
        builder.max_blocking_threads(number(2, 1));
    }
    let runtime = builder.build().unwrap();
    let run = |n| match scenario.as_str() {
        "bulk" | "bulk_bounded" => runtime.block_on(runtime.spawn(in_bulk(n))),
        "round_trip" => runtime.block_on(runtime.spawn(in_sequence(n))),
        _ => usage("usage: offload bulk|bulk_bounded|round_trip [WORKERS [N]]"),
    };
    let n = number(
        3,
        if scenario == "round_trip" {
            20_000
        } else {
            1_000_000
        },
    );
    assert_eq!(measure(n, || run(n)).unwrap(), n);
}
