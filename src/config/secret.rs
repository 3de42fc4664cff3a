//! A string that cannot print itself.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

/// A key, token or password. `Debug` and `Display` show `sk-ab****cdef`; only [`Secret::expose`] gives it away.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Wraps `value`.
    pub fn new(value: impl Into<Arc<str>>) -> Secret {
        Secret(value.into())
    }

    /// The value itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// SHA-256 of the value.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

/// `sk-abcdefgh1234` → `sk-ab****1234`; anything under 16 characters is `****`.
pub fn mask(value: &str) -> String {
    let characters: Vec<char> = value.chars().collect();
    if characters.len() < 16 {
        return "****".to_owned();
    }
    let head: String = characters[..5].iter().collect();
    let tail: String = characters[characters.len() - 4..].iter().collect();
    format!("{head}****{tail}")
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask(&self.0))
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::{Secret, mask};

    #[test]
    fn a_secret_never_prints_itself() {
        let secret = Secret::new("sk-abcdefghijklcdef");
        assert_eq!(format!("{secret} {secret:?}"), "sk-ab****cdef sk-ab****cdef");
        assert_eq!(mask("short"), "****");
        assert_eq!(mask("密钥密钥密钥密钥密钥密钥密钥密钥"), "密钥密钥密****密钥密钥");
    }
}
