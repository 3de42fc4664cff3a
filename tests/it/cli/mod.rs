//! The binary as people run it: its streams, its exit codes, its signals, and what its upstreams get to see.

mod chat;
mod explain;
mod faults;
mod generated;
mod ledger;
mod list;
mod logs;
pub mod process;
mod reload;
mod serve;
mod terminal;
mod test;
mod top;
mod upstream;
