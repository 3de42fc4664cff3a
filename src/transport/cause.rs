//! Says in a few words why bytes did not arrive.
//!
//! Never prints an address with its query, nor a header: the words end in logs and in clients' error messages.

use std::error::Error;
use std::io;

/// The innermost cause of `error` that a person can act on.
pub fn describe(error: &(dyn Error + 'static)) -> String {
    let mut cause = Some(error);
    let mut last = String::new();
    while let Some(error) = cause {
        if let Some(words) = known(error) {
            return words;
        }
        last = error.to_string();
        cause = error.source();
    }
    last
}

/// Looks for `T` in `error` and in all that caused it, also inside an [`io::Error`], whose `source` skips what it wraps.
pub fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}

fn known(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(format!("tls: {tls}"));
    }
    let error = error.downcast_ref::<io::Error>()?;
    // Whoever found the end has words of its own for it, some with a link to its documentation.
    if let Some(wrapped) = error.get_ref().filter(|_| error.kind() != io::ErrorKind::UnexpectedEof) {
        return Some(describe(wrapped));
    }
    // Without "(os error 111)", which is another number on another system.
    Some(error.kind().to_string())
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{describe, find};

    #[test]
    fn the_innermost_cause_is_named() {
        let refused = io::Error::other(io::Error::from(io::ErrorKind::ConnectionRefused));
        assert_eq!(describe(&refused), "connection refused");
        let tls = io::Error::other(rustls::Error::from(rustls::CertificateError::UnknownIssuer));
        assert_eq!(describe(&tls), "tls: invalid peer certificate: UnknownIssuer");
        assert!(find::<rustls::Error>(&tls).is_some());
        let eof = io::Error::new(io::ErrorKind::UnexpectedEof, "no goodbye: https://docs.example");
        assert_eq!(describe(&eof), "unexpected end of file");
    }
}
