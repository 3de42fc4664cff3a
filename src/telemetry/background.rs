//! Threads that no request waits for.

/// How much later than a request's its work is done: a tenth of the processor's time where there is too little for both.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Lets every request go before what this thread does: where they share a processor, a request would wait for a whole slice
/// of time, which is milliseconds.
pub fn step_back() {
    // Of the thread on Linux; elsewhere it would be of the process.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(NICENESS);
}
