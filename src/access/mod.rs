//! May this caller do this now.
use std::sync::Arc;
/// x
#[derive(Clone, Debug)]
pub struct Caller {
    /// x
    pub name: Arc<str>,
}
impl Caller {
    /// x
    pub fn anonymous() -> Caller {
        todo!()
    }
    /// x
    pub fn may(&self, _model: &str) -> bool {
        todo!()
    }
    /// x
    pub fn may_pass_through(&self) -> bool {
        todo!()
    }
}
/// x
pub struct KeyRing;
impl KeyRing {
    /// x
    pub fn authenticate(&self, _presented: Option<&str>) -> Result<Caller, AccessError> {
        todo!()
    }
    /// x
    pub fn is_open(&self) -> bool {
        todo!()
    }
}
/// x
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// x
    #[error("missing")]
    Missing,
    /// x
    #[error("unknown")]
    Unknown,
}
