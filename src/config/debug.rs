//! What `{:?}` prints of the types that hold addresses and values in which a secret may stand: what `config show` does.

use std::fmt;

use super::show::{Secrets, login_json, params, provider};
use super::{Login, Params, Provider};

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Provider({})", provider(self, Secrets::Masked))
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login({})", login_json(self, Secrets::Masked))
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Params({})", params(self, Secrets::Masked))
    }
}
