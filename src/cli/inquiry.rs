//! One provider, asked for its models by itself: whether it is there, and whether it takes the key.

use std::time::Duration;

use crate::config::{Config, Origin, Provider};
use crate::engine::discover::{self, Inquiry, Silence};
use crate::engine::{Engine, PrepareError};

/// Why a provider answered nothing.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// It cannot be put to work, such as without a certificate that it names.
    #[error(transparent)]
    Setup(#[from] PrepareError),
    /// It could not be asked, or nothing came back.
    #[error(transparent)]
    Silent(#[from] Silence),
    /// It took its time.
    #[error("no answer within {}", humantime::format_duration(*.0))]
    Late(Duration),
}

/// Asks `provider` for its models, for `limit` at most. Spends no tokens.
pub async fn inquire(provider: Provider, limit: Duration) -> Result<Inquiry, Trouble> {
    let never = Box::new(|| Err(vec!["this engine is for one question".to_owned()]));
    let engine = Engine::start(Config::of_providers(Origin::Mock, vec![provider]), never)?;
    match tokio::time::timeout(limit, discover::inquire(&engine.snapshot(), 0)).await {
        Ok(answered) => Ok(answered?),
        Err(_) => Err(Trouble::Late(limit)),
    }
}
