//! Records as they come, for whoever looks on.

use std::sync::Arc;

use tokio::sync::broadcast::{Receiver, Sender, channel};

use crate::telemetry::{Observer, Record};

/// So many are kept for an onlooker that is slow; then he is told how many he has missed.
const KEPT: usize = 256;

/// Tells onlookers of each request that has ended. Costs next to nothing while there are none.
pub struct Feed(Sender<Arc<Record>>);

impl Default for Feed {
    fn default() -> Feed {
        Feed(channel(KEPT).0)
    }
}

impl Feed {
    /// All that end from now on.
    pub fn follow(&self) -> Receiver<Arc<Record>> {
        self.0.subscribe()
    }
}

impl Observer for Feed {
    fn finished(&self, record: &Arc<Record>) {
        // An error only says that nobody looks on.
        let _ = self.0.send(record.clone());
    }
}
