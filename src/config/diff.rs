//! stub
use crate::config::Config;
/// x
pub struct Diff {
    /// x
    pub changed: Vec<String>,
    /// x
    pub restart_required: Vec<String>,
}
/// x
pub fn diff(_old: &Config, _new: &Config) -> Diff {
    Diff { changed: vec![], restart_required: vec![] }
}
