//! Drives a process under callgrind, and reads what it writes.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

pub struct Callgrind {
    pid: u32,
    /// Dumps get this name and a number, counted from 1.
    out: PathBuf,
}

impl Callgrind {
    pub fn new(pid: u32, out: PathBuf) -> Self {
        Self { pid, out }
    }

    pub fn zero(&self) -> Result<()> {
        self.control("--zero")
    }

    /// Instructions since the counters were zeroed.
    pub fn dump(&self) -> Result<u64> {
        let number = self.newest() + 1;
        self.control("--dump")?;
        let path = self.path(number);
        for _ in 0..100 {
            // The totals are the file's last line.
            if let Some(total) = fs::read_to_string(&path).ok().as_deref().and_then(totals) {
                return Ok(total);
            }
            thread::sleep(Duration::from_millis(50));
        }
        bail!("callgrind wrote no {}", path.display())
    }

    /// The functions with the most instructions of the newest dump, without those that they call.
    pub fn annotate(&self) -> Result<String> {
        let path = self.path(self.newest());
        let output = Command::new("callgrind_annotate").args(["--inclusive=no", "--auto=no", "--threshold=100"]).arg(path).output()?;
        ensure!(output.status.success(), "callgrind_annotate: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout);
        let lines = text.lines().skip_while(|line| !line.contains("PROGRAM TOTALS"));
        Ok(lines.take(3 + 2 + FUNCTIONS).collect::<Vec<_>>().join("\n"))
    }

    fn control(&self, order: &str) -> Result<()> {
        let output = Command::new("callgrind_control").arg(order).arg(self.pid.to_string()).output().context("callgrind_control")?;
        ensure!(output.status.success(), "callgrind_control: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    fn newest(&self) -> usize {
        (1..).take_while(|number| self.path(*number).exists()).last().unwrap_or(0)
    }

    fn path(&self, number: usize) -> PathBuf {
        PathBuf::from(format!("{}.{number}", self.out.display()))
    }
}

const FUNCTIONS: usize = 60;

fn totals(dump: &str) -> Option<u64> {
    let line = dump.lines().rev().find_map(|line| line.strip_prefix("totals:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_totals_of_a_dump_are_read() {
        assert_eq!(totals("version: 1\nevents: Ir\nsummary: 7\nfn=(1) main\n16 400\n\ntotals: 12345\n"), Some(12345));
        assert_eq!(totals("version: 1\nevents: Ir\n"), None);
    }
}
