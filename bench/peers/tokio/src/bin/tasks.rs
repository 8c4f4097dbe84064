// SPDX-License-Identifier: MIT
//! The scenarios of spawn_many, spawn_join, yield_many, ping_pong, chained_spawn, mpsc and pending in Tokio, with the sizes and rounds of
//! ours: `tasks SCENARIO [WORKERS [N]]`.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use peers::{measure, number, report, scenario, usage};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot, Notify};
use tokio::task::{yield_now, JoinHandle};

/// Runs `future` on a worker: `block_on` alone would poll it on the main thread.
fn on_worker<F>(runtime: &Runtime, future: F) -> F::Output
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    runtime.block_on(runtime.spawn(future)).unwrap()
}

async fn spawn_and_await_all(n: usize) -> usize {
    let tasks: Vec<JoinHandle<usize>> = (0..n).map(|_| tokio::spawn(async { 1 })).collect();
    let mut sum = 0;
    for task in tasks {
        sum += task.await.unwrap();
    }
    sum
}

async fn spawn_and_await_each(n: usize) -> usize {
    let mut sum = 0;
    for _ in 0..n {
        sum += tokio::spawn(async { 1 }).await.unwrap();
    }
    sum
}

async fn yield_many(tasks: usize, n: usize) {
    let yielding: Vec<JoinHandle<()>> = (0..tasks)
        .map(|_| {
            tokio::spawn(async move {
                for _ in 0..n {
                    yield_now().await;
                }
            })
        })
        .collect();
    for task in yielding {
        task.await.unwrap();
    }
}

struct PairsLeft {
    n: AtomicUsize,
    none: Notify,
}

async fn ping(left: Arc<PairsLeft>) {
    let (ping_tx, ping_rx) = oneshot::channel::<i32>();
    let (pong_tx, pong_rx) = oneshot::channel::<i32>();
    tokio::spawn(async move {
        let got = ping_rx.await.unwrap();
        let _ = pong_tx.send(got);
    });
    ping_tx.send(1).unwrap();
    pong_rx.await.unwrap();
    if left.n.fetch_sub(1, Ordering::AcqRel) == 1 {
        left.none.notify_one();
    }
}

async fn ping_pong(n: usize) {
    let left = Arc::new(PairsLeft {
        n: AtomicUsize::new(n),
        none: Notify::new(),
    });
    for _ in 0..n {
        tokio::spawn(ping(left.clone()));
    }
    left.none.notified().await;
}

fn step(done: oneshot::Sender<usize>, level: usize, depth: usize) {
    if level == depth {
        done.send(level).unwrap();
    } else {
        tokio::spawn(async move { step(done, level + 1, depth) });
    }
}

async fn chained_spawn(depth: usize) -> usize {
    let (tx, rx) = oneshot::channel();
    tokio::spawn(async move { step(tx, 0, depth) });
    rx.await.unwrap()
}

async fn channel(senders: usize, n: usize) -> usize {
    let (tx, mut rx) = mpsc::channel::<usize>(100);
    for _ in 0..senders {
        let tx = tx.clone();
        tokio::spawn(async move {
            for _ in 0..n {
                tx.send(1).await.unwrap();
            }
        });
    }
    drop(tx);
    let receiving = tokio::spawn(async move {
        let mut sum = 0;
        while let Some(item) = rx.recv().await {
            sum += item;
        }
        sum
    });
    receiving.await.unwrap()
}

fn resident_bytes() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: f64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as f64
}

/// After so many a task yields, as in ours.
const BATCH: usize = 1_000;

/// `n` tasks, each of which waits for what `waiting` makes for it.
fn pending<F>(runtime: &Runtime, n: usize, mut waiting: impl FnMut() -> F + Send + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    on_worker(runtime, yield_now());
    let before = resident_bytes();
    measure(n, || {
        on_worker(runtime, async move {
            static UNPOLLED: AtomicUsize = AtomicUsize::new(0);
            static ALL_WAIT: Notify = Notify::const_new();
            UNPOLLED.store(n, Ordering::Relaxed);
            for i in 0..n {
                let waits = waiting();
                tokio::spawn(async move {
                    if UNPOLLED.fetch_sub(1, Ordering::Relaxed) == 1 {
                        ALL_WAIT.notify_one();
                    }
                    waits.await
                });
                if i % BATCH == BATCH - 1 {
                    yield_now().await;
                }
            }
            ALL_WAIT.notified().await;
        })
    });
    report("bytes_per_task", (resident_bytes() - before) / n as f64);
}

fn main() {
    let size = |normal| number(3, normal);
    let rt = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(number(2, 1))
        .enable_all()
        .build()
        .unwrap();
    let repeat = |rounds: usize, n: usize, round: &dyn Fn()| {
        measure(rounds * n, || (0..rounds).for_each(|_| round()))
    };
    match scenario().as_str() {
        "spawn_many_inside" => {
            let n = size(10_000);
            repeat(20, n, &|| {
                assert_eq!(on_worker(&rt, spawn_and_await_all(n)), n)
            });
        }
        "spawn_many_outside" => {
            let n = size(10_000);
            repeat(20, n, &|| {
                assert_eq!(rt.block_on(spawn_and_await_all(n)), n)
            });
        }
        "spawn_join" => {
            let n = size(100_000);
            repeat(1, n, &|| {
                assert_eq!(on_worker(&rt, spawn_and_await_each(n)), n)
            });
        }
        "yield_many" => {
            let n = size(1_000);
            repeat(1, 200 * n, &|| on_worker(&rt, yield_many(200, n)));
        }
        "ping_pong" => {
            let n = size(1_000);
            repeat(50, n, &|| on_worker(&rt, ping_pong(n)));
        }
        "chained_spawn" => {
            let n = size(1_000);
            repeat(100, n, &|| assert_eq!(on_worker(&rt, chained_spawn(n)), n));
        }
        "mpsc" => {
            let n = size(100_000);
            repeat(1, 5 * n, &|| {
                assert_eq!(on_worker(&rt, channel(5, n)), 5 * n)
            });
        }
        "pending_plain" => pending(&rt, size(1_000_000), std::future::pending),
        "pending_notify" => {
            let shared = Arc::new(Notify::new());
            pending(&rt, size(1_000_000), move || {
                let shared = shared.clone();
                async move { shared.notified().await }
            });
        }
        "pending_oneshot" => {
            let n = size(1_000_000);
            // They live until the process ends.
            let senders = Arc::new(Mutex::new(Vec::with_capacity(n)));
            let kept = senders.clone();
            pending(&rt, n, move || {
                let (tx, rx) = oneshot::channel::<i32>();
                senders.lock().unwrap().push(tx);
                async move { drop(rx.await) }
            });
            drop(kept);
        }
        _ => usage(
                "usage: tasks spawn_many_inside|spawn_many_outside|spawn_join|yield_many|ping_pong|chained_spawn|mpsc\
                 |pending_plain|pending_oneshot|pending_notify [WORKERS [N]]",
        ),
    }
}
