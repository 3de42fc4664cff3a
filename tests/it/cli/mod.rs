//! The binary as people run it: its streams, its exit codes, its signals, and what its upstreams get to see.

mod bench;
mod chat;
mod chat_each;
mod chat_files;
mod chat_repl;
mod chat_script;
mod chat_sessions;
mod doctor;
mod explain;
mod faults;
mod generated;
mod health;
mod import;
mod init;
mod ledger;
mod list;
mod logs;
pub mod process;
mod reload;
mod run;
mod serve;
mod terminal;
mod test;
mod test_capabilities;
mod test_reports;
mod top;
mod upstream;
