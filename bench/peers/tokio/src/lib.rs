// SPDX-License-Identifier: MIT
//! What these programs share: their arguments and how they report, as `../../measure.hpp` has it for ours.

use std::str::FromStr;
use std::time::{Duration, Instant};

pub fn report(metric: &str, value: f64) {
    println!("{metric} {value:.3}");
}

/// As `bench::measure` of ours.
pub fn measure<T>(operations: usize, body: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = body();
    let elapsed = start.elapsed().as_nanos() as f64;
    report("operations", operations as f64);
    report("ms", elapsed / 1e6);
    report("ns_per_op", elapsed / operations as f64);
    result
}

/// The argument that names a scenario; empty if there is none.
pub fn scenario() -> String {
    std::env::args().nth(1).unwrap_or_default()
}

/// The argument at `place`, from 1 on.
pub fn number<N: FromStr>(place: usize, otherwise: N) -> N {
    std::env::args().nth(place).map_or(otherwise, |text| {
        text.parse()
            .unwrap_or_else(|_| usage(&format!("not a number: {text}")))
    })
}

pub fn usage(text: &str) -> ! {
    eprintln!("{text}");
    std::process::exit(2);
}

/// What `clock` of the system says, `libc::CLOCK_PROCESS_CPUTIME_ID` for example.
pub fn time_of(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    unsafe { libc::clock_gettime(clock, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
