//! What a chat has used: [`Totals`].

use crate::cli::chat::account::Account;
use crate::cli::output::Terminal;
use crate::cli::recorded::dollars;
use crate::cli::table::{Table, Tone};

/// Sums by route, in the order in which they were first taken.
#[derive(Debug, Default)]
pub struct Totals(Vec<Total>);

#[derive(Debug, Default)]
struct Total {
    route: String,
    requests: u64,
    input: u64,
    output: u64,
    cost: f64,
    /// Requests whose price is not known.
    unpriced: u64,
}

impl Totals {
    /// Adds a request that has ended, if there was one.
    pub fn add(&mut self, account: Option<Account>) {
        let Some(account) = account else { return };
        let route = match account.provider.is_empty() {
            true => "-".to_owned(),
            false => format!("{}/{}", account.provider, account.model),
        };
        let known = self.0.iter().position(|total| total.route == route);
        let place = known.unwrap_or_else(|| {
            self.0.push(Total { route, ..Total::default() });
            self.0.len() - 1
        });
        let usage = account.usage.map(|counted| counted.usage);
        let total = &mut self.0[place];
        total.requests += 1;
        total.input += usage.map_or(0, |usage| usage.input);
        total.output += usage.map_or(0, |usage| usage.output);
        total.cost += account.cost_usd.unwrap_or(0.0);
        total.unpriced += u64::from(account.cost_usd.is_none());
    }

    /// As a table; `None`: nothing was asked.
    pub fn table(&self, terminal: &Terminal) -> Option<String> {
        let mut table = Table::new(["ROUTE", "REQUESTS", "INPUT", "OUTPUT", "COST"], terminal);
        self.0.iter().for_each(|total| table.row(total.cells(), Tone::Plain));
        if self.0.len() > 1 {
            let sum = |of: fn(&Total) -> u64| self.0.iter().map(of).sum();
            let all = Total {
                route: "all".to_owned(),
                requests: sum(|total| total.requests),
                input: sum(|total| total.input),
                output: sum(|total| total.output),
                cost: self.0.iter().map(|total| total.cost).sum(),
                unpriced: sum(|total| total.unpriced),
            };
            table.row(all.cells(), Tone::Good);
        }
        (!self.0.is_empty()).then(|| table.to_string())
    }
}

impl Total {
    fn cells(&self) -> [String; 5] {
        let cost = match (self.unpriced, self.cost > 0.0) {
            (0, _) => dollars(self.cost),
            (_, true) => format!("{} + ?", dollars(self.cost)),
            (_, false) => "?".to_owned(),
        };
        [self.route.clone(), self.requests.to_string(), self.input.to_string(), self.output.to_string(), cost]
    }
}

#[cfg(test)]
mod tests {
    use super::Totals;
    use crate::cli::chat::account::{Account, Counted};
    use crate::cli::output::Terminal;
    use crate::hub::{Provenance, Usage};

    fn account(provider: &str, input: u64, cost_usd: Option<f64>) -> Option<Account> {
        let usage = Usage { input, output: 2, ..Usage::default() };
        let usage = Some(Counted { usage, provenance: Provenance::Reported });
        Some(Account { provider: provider.to_owned(), model: "m".to_owned(), usage, cost_usd, ..Account::default() })
    }

    #[test]
    fn routes_are_summed_and_an_unknown_price_is_not_zero() {
        let mut totals = Totals::default();
        assert_eq!(totals.table(&Terminal::default()), None);
        for account in [account("a", 10, Some(1.5)), account("b", 5, None), None, account("a", 1, Some(1.0))] {
            totals.add(account);
        }
        let table = totals.table(&Terminal::default()).unwrap();
        let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).filter(|cell| !cell.is_empty()).collect::<Vec<_>>();
        let rows: Vec<Vec<String>> = table.lines().map(cells).collect();
        for row in [["a/m", "2", "11", "4", "$2.50"], ["b/m", "1", "5", "2", "?"], ["all", "3", "16", "6", "$2.50 + ?"]] {
            assert!(rows.iter().any(|found| *found == row), "{table}");
        }
    }
}
