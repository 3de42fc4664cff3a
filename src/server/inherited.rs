//! Sockets that a service manager has opened and hands over: they outlive this process, so that a restart refuses nobody.
//!
//! Says which of them serves what. Does not know how they came here.

use std::io;
use std::net::TcpListener as Socket;
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::server::router::Surface;

/// What the service manager calls a socket for administration (`FileDescriptorName=`).
const ADMIN: &str = "admin";

/// A socket that somebody else has opened.
#[derive(Clone, Debug)]
pub struct Inherited {
    /// Its name, if whoever handed it over gave it one.
    pub name: Option<String>,
    /// Listens already.
    pub socket: Arc<Socket>,
}

/// Why sockets that were handed over cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InheritedError {
    /// A connection, or a socket that nobody has told to listen.
    #[error("a socket that was handed over does not listen\nhint: systemd's socket unit needs `Accept=no`")]
    Deaf,
    /// Its name says administration, the configuration does not.
    #[error(
        "a socket named `admin` was handed over, but `admin.port` is not set\nhint: set it (the socket's own port counts), or rename it"
    )]
    NoAdministration,
    /// More than order can tell apart.
    #[error(
        "{0} sockets were handed over, and `admin.port` is set: which is for administration?\nhint: name it `admin` (`FileDescriptorName=admin` in its socket unit)"
    )]
    Ambiguous(usize),
    /// The system's word.
    #[error("cannot use a socket that was handed over: {0}")]
    Io(#[from] io::Error),
}

/// Gives each socket its surface: the one named `admin` is for administration; of two without that name the second.
/// Without `admin.port` all serve everything.
pub(super) fn assign(sockets: &[Inherited], has_admin_port: bool) -> Result<Vec<(Inherited, Surface)>, InheritedError> {
    let is_admin = |socket: &Inherited| socket.name.as_deref() == Some(ADMIN);
    let named = sockets.iter().any(is_admin);
    match (has_admin_port, named, sockets.len()) {
        (false, true, _) => return Err(InheritedError::NoAdministration),
        (true, false, 3..) => return Err(InheritedError::Ambiguous(sockets.len())),
        _ => {}
    }
    let surface = |at, socket| match has_admin_port {
        false => Surface::All,
        true if is_admin(socket) || (!named && at == 1) => Surface::Admin,
        true => Surface::Public,
    };
    Ok(sockets.iter().enumerate().map(|(at, socket)| (socket.clone(), surface(at, socket))).collect())
}

/// Has the runtime accept on it.
pub(super) fn adopt(inherited: &Inherited) -> Result<TcpListener, InheritedError> {
    // Elsewhere a socket that does not listen fails when it is first used.
    #[cfg(any(target_os = "linux", target_os = "freebsd"))]
    if !socket2::SockRef::from(&*inherited.socket).is_listener()? {
        return Err(InheritedError::Deaf);
    }
    let socket = inherited.socket.try_clone()?;
    socket.set_nonblocking(true)?;
    Ok(TcpListener::from_std(socket)?)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::sync::Arc;

    use super::{Inherited, InheritedError, assign};
    use crate::server::router::Surface::{self, Admin, All, Public};

    fn surfaces(names: &[&str], has_admin_port: bool) -> Result<Vec<Surface>, InheritedError> {
        let socket = Arc::new(TcpListener::bind("127.0.0.1:0").unwrap());
        let named = |name: &&str| Inherited { name: Some((*name).to_owned()), socket: Arc::clone(&socket) };
        let sockets: Vec<_> = names.iter().map(named).collect();
        Ok(assign(&sockets, has_admin_port)?.into_iter().map(|(_, surface)| surface).collect())
    }

    #[test]
    fn names_say_what_a_socket_serves_and_else_its_place() {
        assert_eq!(surfaces(&["a", "b"], false).unwrap(), [All, All]);
        assert_eq!(surfaces(&["a"], true).unwrap(), [Public]);
        assert_eq!(surfaces(&["a", "b"], true).unwrap(), [Public, Admin]);
        assert_eq!(surfaces(&["admin", "a", "b"], true).unwrap(), [Admin, Public, Public]);
        assert!(matches!(surfaces(&["a", "b", "c"], true), Err(InheritedError::Ambiguous(3))));
        assert!(matches!(surfaces(&["admin"], false), Err(InheritedError::NoAdministration)));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_connection_instead_of_a_listener_is_refused() {
        use std::net::TcpStream;
        use std::os::fd::OwnedFd;

        use super::adopt;

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connection = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let of = |socket: TcpListener| adopt(&Inherited { name: None, socket: Arc::new(socket) });
        assert!(of(listener).is_ok());
        assert!(matches!(of(TcpListener::from(OwnedFd::from(connection))), Err(InheritedError::Deaf)));
    }
}
