//! What is printed: Markdown tables to stdout and into a file, progress to stderr. The only module that prints.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

/// What servers of ours say once they listen, as llmgw does.
#[expect(clippy::print_stdout, reason = "the parent waits for this line")]
pub fn announce(address: SocketAddr) {
    println!("listening on http://{address}");
}

#[expect(clippy::print_stderr, reason = "progress")]
pub fn progress(text: &str) {
    eprintln!("{text}");
}

/// Sections, gathered, and printed as they come.
#[derive(Default)]
pub struct Report {
    text: String,
}

impl Report {
    #[expect(clippy::print_stdout, reason = "this is the output")]
    pub fn add(&mut self, text: &str) {
        println!("{text}");
        self.text.push_str(text);
        self.text.push('\n');
    }

    pub fn save(&self, path: Option<&Path>) -> Result<()> {
        let Some(path) = path else { return Ok(()) };
        fs::write(path, &self.text).with_context(|| path.display().to_string())
    }
}

/// A Markdown table. Its columns are padded, for it is read in a terminal first.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([head[column].chars().count(), 3]).max().unwrap_or(3)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &[String]| {
        let padded = widths.iter().enumerate().map(|(column, width)| {
            let cell = cells.get(column).map_or("", String::as_str);
            let gap = " ".repeat(width - cell.chars().count());
            if column == 0 { format!("| {cell}{gap} ") } else { format!("| {gap}{cell} ") }
        });
        padded.collect::<String>() + "|\n"
    };
    let rule: String = widths
        .iter()
        .enumerate()
        .map(|(column, width)| if column == 0 { format!("| {} ", "-".repeat(*width)) } else { format!("| {}: ", "-".repeat(width - 1)) })
        .collect();
    let titles: Vec<String> = head.iter().map(|title| (*title).to_owned()).collect();
    line(&titles) + &rule + "|\n" + &rows.iter().map(|row| line(row)).collect::<String>()
}

/// `–` for what is not known.
pub fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| thousands(&format!("{value:.digits$}")))
}

fn thousands(number: &str) -> String {
    let (whole, rest) = number.find('.').map_or((number, ""), |point| number.split_at(point));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut grouped = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{rest}")
}

/// The machine and the programs, in a few lines.
pub fn machine(llmgw: &Path) -> String {
    let cpu = field("/proc/cpuinfo", "model name").unwrap_or_default();
    let memory = field("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let llmgw = output(Command::new(llmgw).arg("--version"));
    let nginx = output(Command::new("nginx").arg("-v"));
    let date = output(Command::new("date").arg("+%F"));
    format!(
        "{}; {} cores; Linux {}; {} GB. {llmgw}; {}. {date}.\n",
        cpu.trim(),
        fs::read_to_string("/proc/cpuinfo").map_or(cores, |text| text.matches("processor\t").count()),
        kernel.trim(),
        number(memory.map(|kilobytes| kilobytes / 1e6), 0),
        nginx.trim_start_matches("nginx version: "),
    )
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The first line that it prints, on either stream.
fn output(command: &mut Command) -> String {
    let Ok(output) = command.output() else { return "?".to_owned() };
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    String::from_utf8_lossy(&text).lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(number(Some(1_234_567.891), 1), "1,234,567.9");
        assert_eq!(number(Some(-12.0), 0), "-12");
        assert_eq!(number(None, 0), "–");
    }

    #[test]
    fn a_table_is_aligned() {
        let text = table(&["a", "rate"], &[vec!["nginx".to_owned(), "1".to_owned()]]);
        assert_eq!(text, "| a     | rate |\n| ----- | ---: |\n| nginx |    1 |\n");
    }
}
