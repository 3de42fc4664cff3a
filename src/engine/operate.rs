//! What an operator does to a running gateway by hand: a provider's switch, and a fresh start for one that rests.
//!
//! Both count at once, for requests that are planned from now on, and until the next start: a reload changes neither.

use crate::engine::live::Snapshot;
use crate::engine::{Error, Inner};
use crate::telemetry::events::{OperatorAct, OperatorActed};

/// Switches the provider `name` off, or on again. One that the configuration disables stays off.
pub fn set_enabled(engine: &Inner, snapshot: &Snapshot, name: &str, enabled: bool) -> Result<(), Error> {
    let index = find(snapshot, name)?;
    if enabled && !snapshot.config.providers[index].enabled {
        let message = format!("the configuration disables `{name}`: set its `enabled` to true there, and reload");
        return Err(Error::InvalidRequest { message, param: None });
    }
    if engine.lasting.board.by_hand(name).turn(enabled) {
        let act = if enabled { OperatorAct::Enabled } else { OperatorAct::Disabled };
        OperatorActed { provider: name, act }.emit();
    }
    Ok(())
}

/// Forgets everything held against the provider `name`: its own cooldown, its models', its keys', a failed discovery's.
pub fn reset(snapshot: &Snapshot, name: &str) -> Result<(), Error> {
    let index = find(snapshot, name)?;
    let upstream = &snapshot.upstreams[index];
    upstream.provider.forgive();
    upstream.catalog.forget_failure();
    if let Some(account) = snapshot.table.account(index) {
        account.forgive();
    }
    OperatorActed { provider: name, act: OperatorAct::Reset }.emit();
    Ok(())
}

fn find(snapshot: &Snapshot, name: &str) -> Result<usize, Error> {
    snapshot.table.provider(name).ok_or_else(|| Error::NotFound(format!("there is no provider `{name}`")))
}
