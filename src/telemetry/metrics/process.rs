//! What the operating system says of this process, in the words that every Prometheus client has for it.

use std::fmt;

use super::page::Page;

/// Writes what there is to know.
#[cfg(target_os = "linux")]
pub(super) fn write(page: &mut Page<'_>) -> fmt::Result {
    use super::names::{CPU, MOST_FILES, OPEN_FILES, RESIDENT, STARTED, THREADS, VIRTUAL};
    use procfs::process::{LimitValue, Process};

    let Ok(process) = Process::myself() else { return Ok(()) };
    if let Ok(stat) = process.stat() {
        let (ticks, page_size) = (procfs::ticks_per_second() as f64, procfs::page_size());
        let seconds = (stat.utime + stat.stime) as f64 / ticks;
        page.family(&CPU, |family| family.amount(&[], seconds))?;
        page.gauge(&RESIDENT, (stat.rss * page_size) as f64)?;
        page.gauge(&VIRTUAL, stat.vsize as f64)?;
        page.gauge(&THREADS, stat.num_threads as f64)?;
        if let Ok(booted) = procfs::boot_time_secs() {
            page.gauge(&STARTED, booted as f64 + stat.starttime as f64 / ticks)?;
        }
    }
    if let Ok(open) = process.fd_count() {
        page.gauge(&OPEN_FILES, open as f64)?;
    }
    match process.limits().map(|limits| limits.max_open_files.soft_limit) {
        Ok(LimitValue::Value(most)) => page.gauge(&MOST_FILES, most as f64),
        _ => Ok(()),
    }
}

/// Nothing is known of it elsewhere.
#[cfg(not(target_os = "linux"))]
pub(super) fn write(_: &mut Page<'_>) -> fmt::Result {
    Ok(())
}
