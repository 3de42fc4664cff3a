//! [`Lines`]: the last lines of the server's own log, in memory, for whoever administers it.
//!
//! Filled by the log's own thread, so no request pays for it. A reader keeps its place as a sequence number: who is slow
//! learns how many lines it missed, and holds up nobody.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use serde::{Serialize, Serializer};
use tokio::sync::watch;

use crate::config::Level;
use crate::hub::text::beginning;

/// As many are kept.
const MOST_LINES: usize = 1000;

/// As many bytes are kept of all of them, should they be long.
const MOST_BYTES: usize = 1 << 20;

/// A line is cut to this.
const LONGEST: usize = 8 * 1024;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Counts the lines of this process, from 1.
    pub sequence: u64,
    /// When it was written.
    #[serde(serialize_with = "as_rfc3339")]
    pub time: SystemTime,
    /// How severe it is.
    pub level: Level,
    /// The rest of it; where the log is JSON, all of it.
    pub text: Arc<str>,
}

/// What a reader gets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Read {
    /// Oldest first.
    pub lines: Vec<Line>,
    /// How many before them are not kept any more, of whatever level.
    pub missed: u64,
    /// The last line there is, of whatever level: where to go on from.
    pub last: u64,
}

/// The last lines. Cheap to clone; all clones are the same ones.
#[derive(Clone, Debug)]
pub struct Lines(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    kept: Mutex<Kept>,
    last: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<Line>,
    bytes: usize,
    last: u64,
}

impl Default for Lines {
    fn default() -> Lines {
        Lines(Arc::new(Shared { kept: Mutex::default(), last: watch::Sender::new(0) }))
    }
}

impl Lines {
    /// The lines after that one which are at least as severe as `least`; after 0: all that are kept. A number of
    /// another process, which this one has not reached, counts as 0.
    pub fn after(&self, sequence: u64, least: Level) -> Read {
        let kept = self.lock();
        let sequence = if sequence > kept.last { 0 } else { sequence };
        let first = kept.last - kept.lines.len() as u64 + 1;
        let skipped = usize::try_from((sequence + 1).saturating_sub(first)).unwrap_or(usize::MAX);
        let lines = kept.lines.iter().skip(skipped).filter(|line| line.level <= least).cloned().collect();
        Read { lines, missed: first.saturating_sub(sequence + 1), last: kept.last }
    }

    /// Reads them as they are written, from that one on.
    pub fn follow(&self, sequence: u64, least: Level) -> Follower {
        Follower { lines: self.clone(), written: self.0.last.subscribe(), sequence, least }
    }

    /// Adds lines: when, how severe, what. Only the last of many are looked at.
    pub(super) fn add<'a>(
        &self,
        lines: impl ExactSizeIterator<Item = &'a str>,
        take_apart: impl Fn(&'a str) -> (SystemTime, Level, &'a str),
    ) {
        let mut kept = self.lock();
        let unseen = lines.len().saturating_sub(MOST_LINES);
        kept.last += unseen as u64;
        if unseen > 0 {
            kept.forget_all();
        }
        for line in lines.skip(unseen) {
            let (time, level, text) = take_apart(line);
            kept.add(time, level, text);
        }
        self.0.last.send_replace(kept.last);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn add(&mut self, time: SystemTime, level: Level, text: &str) {
        let text = cut(text);
        self.last += 1;
        self.bytes += text.len();
        self.lines.push_back(Line { sequence: self.last, time, level, text });
        while self.lines.len() > MOST_LINES || self.bytes > MOST_BYTES {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.text.len();
        }
    }

    fn forget_all(&mut self) {
        self.lines.clear();
        self.bytes = 0;
    }
}

/// Reads lines as they are written.
#[derive(Debug)]
pub struct Follower {
    lines: Lines,
    written: watch::Receiver<u64>,
    sequence: u64,
    least: Level,
}

impl Follower {
    /// Waits until there is something to tell: lines, or that some were missed. Cancel safe: what was not handed over
    /// stays to be.
    pub async fn next(&mut self) -> Read {
        loop {
            self.written.mark_unchanged();
            let read = self.lines.after(self.sequence, self.least);
            self.sequence = read.last;
            if !read.lines.is_empty() || read.missed > 0 {
                return read;
            }
            // `lines` holds the sender, so it never ends.
            let _ = self.written.changed().await;
        }
    }
}

/// `text` to the length that is kept, saying how long it was.
fn cut(text: &str) -> Arc<str> {
    if text.len() <= LONGEST {
        return Arc::from(text);
    }
    Arc::from(format!("{}… ({} bytes)", beginning(text, LONGEST), text.len()))
}

fn as_rfc3339<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_rfc3339_micros(*time))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use futures_util::FutureExt;

    use super::{LONGEST, Lines, MOST_BYTES, MOST_LINES, Read};
    use crate::config::Level;

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(second)
    }

    fn add(lines: &Lines, said: &[(Level, &str)]) {
        lines.add(said.iter().map(|(_, text)| *text), |text| {
            let (level, _) = said.iter().find(|(_, other)| *other == text).unwrap();
            (at(7), *level, text)
        });
    }

    fn add_numbered(lines: &Lines, numbers: std::ops::Range<usize>) {
        let texts: Vec<String> = numbers.map(|number| format!("第 {number} 行")).collect();
        lines.add(texts.iter().map(String::as_str), |text| (at(1), Level::Info, text));
    }

    fn said(read: &Read) -> Vec<(u64, &str)> {
        read.lines.iter().map(|line| (line.sequence, &*line.text)).collect()
    }

    #[test]
    fn lines_are_read_by_level_and_from_where_one_was() {
        let lines = Lines::default();
        assert_eq!(lines.after(0, Level::Trace), Read::default());
        add(&lines, &[(Level::Info, "一"), (Level::Error, "二"), (Level::Debug, "三")]);
        let all = lines.after(0, Level::Trace);
        assert_eq!((said(&all), all.missed, all.last), (vec![(1, "一"), (2, "二"), (3, "三")], 0, 3));
        assert_eq!(said(&lines.after(0, Level::Warn)), [(2, "二")]);
        assert_eq!(said(&lines.after(1, Level::Info)), [(2, "二")]);
        assert_eq!(lines.after(3, Level::Trace), Read { last: 3, ..Read::default() });
        assert_eq!(said(&lines.after(99, Level::Trace)).len(), 3, "a number of another process");
    }

    #[test]
    fn the_last_thousand_are_kept_and_what_was_missed_is_told() {
        let lines = Lines::default();
        add_numbered(&lines, 0..700);
        add_numbered(&lines, 700..1400);
        let read = lines.after(100, Level::Trace);
        assert_eq!((read.lines.len(), read.missed, read.last), (MOST_LINES, 300, 1400));
        assert_eq!(said(&read)[0], (401, "第 400 行"));
        add_numbered(&lines, 1400..9000);
        let read = lines.after(1400, Level::Trace);
        assert_eq!((read.lines.len(), read.missed, read.last), (MOST_LINES, 6600, 9000));
        assert_eq!(said(&read)[0], (8001, "第 8000 行"));
    }

    #[test]
    fn long_lines_are_cut_and_all_of_them_are_bounded() {
        let lines = Lines::default();
        let long = "长".repeat(LONGEST);
        (0..2 * MOST_BYTES / LONGEST).for_each(|_| add(&lines, &[(Level::Info, &long)]));
        let read = lines.after(0, Level::Trace);
        let bytes: usize = read.lines.iter().map(|line| line.text.len()).sum();
        assert!(bytes <= MOST_BYTES && bytes > MOST_BYTES / 2, "{bytes}");
        assert!(read.missed > 0 && read.lines[0].text.ends_with("长… (24576 bytes)"), "{}", read.lines[0].text);
    }

    #[tokio::test]
    async fn a_follower_waits_for_what_it_asked_for() {
        let lines = Lines::default();
        add(&lines, &[(Level::Info, "before")]);
        let mut follower = lines.follow(0, Level::Info);
        assert_eq!(said(&follower.next().await), [(1, "before")]);
        assert!(follower.next().now_or_never().is_none());
        add(&lines, &[(Level::Debug, "not asked for")]);
        assert!(follower.next().now_or_never().is_none());
        let next = tokio::spawn(async move { (follower.next().await, follower) });
        add(&lines, &[(Level::Warn, "later")]);
        let (read, mut follower) = next.await.unwrap();
        assert_eq!((said(&read), read.missed), (vec![(3, "later")], 0));
        add_numbered(&lines, 0..1500);
        let read = follower.next().await;
        assert_eq!((read.lines.len(), read.missed), (MOST_LINES, 500), "who is slow is told");
    }

    #[test]
    fn a_line_is_plain_json() {
        let lines = Lines::default();
        add(&lines, &[(Level::Warn, "好")]);
        let json = serde_json::to_value(lines.after(0, Level::Trace)).unwrap();
        let line = serde_json::json!({ "sequence": 1, "time": "1970-01-01T00:00:07.000000Z", "level": "warn", "text": "好" });
        assert_eq!(json, serde_json::json!({ "lines": [line], "missed": 0, "last": 1 }));
    }
}
