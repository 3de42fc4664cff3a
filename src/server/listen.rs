//! Opens the ports.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, lookup_host};

/// Connections that wait to be accepted: a burst of clients must not be refused while the loop is busy.
const BACKLOG: i32 = 1024;

/// Why nothing listens.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The host means nothing.
    #[error("cannot resolve server.host `{host}`: {source}")]
    Resolve {
        /// As configured.
        host: String,
        /// Why.
        source: io::Error,
    },
    /// Somebody else has the port.
    #[error("port {port} on {host} is taken by another process\nhint: stop it, or choose another port with `--port` or `{key}`")]
    Taken {
        /// As configured.
        host: String,
        /// The port.
        port: u16,
        /// The key that sets it.
        key: &'static str,
    },
    /// Only root may have the port.
    #[error("no permission to listen on port {port}\nhint: ports below 1024 are privileged; choose another with `--port` or `{key}`")]
    Forbidden {
        /// The port.
        port: u16,
        /// The key that sets it.
        key: &'static str,
    },
    /// Anything else.
    #[error("cannot listen on {address}: {source}")]
    Other {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// Where to listen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub host: &'a str,
    pub port: u16,
    /// The key that sets the port, for messages.
    pub key: &'static str,
}

/// The addresses that `place` stands for; `localhost` is usually two.
pub(super) async fn resolve(place: Place<'_>) -> Result<Vec<SocketAddr>, ListenError> {
    let failed = |source| ListenError::Resolve { host: place.host.to_owned(), source };
    let bare = place.host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, place.port)]);
    }
    let mut addresses: Vec<SocketAddr> = lookup_host((place.host, place.port)).await.map_err(failed)?.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses.dedup();
    if addresses.is_empty() {
        return Err(failed(io::Error::new(io::ErrorKind::NotFound, "it has no address")));
    }
    Ok(addresses)
}

/// Listens on every one of `addresses`; those that this machine does not have are left out if another works.
pub(super) fn bind(place: Place<'_>, addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, ListenError> {
    let mut listeners: Vec<TcpListener> = Vec::new();
    let mut missing = None;
    for address in addresses {
        let mut address = *address;
        if let Some(first) = listeners.first().and_then(|listener| listener.local_addr().ok()) {
            // Port 0 is chosen by the first; the others follow.
            address.set_port(first.port());
        }
        match open(address) {
            Ok(listener) => listeners.push(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => missing = Some(explain(place, address, error)),
            Err(error) => return Err(explain(place, address, error)),
        }
    }
    match missing {
        Some(error) if listeners.is_empty() => Err(error),
        _ => Ok(listeners),
    }
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // On Windows the same option would let two processes share the port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // `::` means every address, IPv4 too, whatever the system's default; any other IPv6 address is itself.
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

fn explain(place: Place<'_>, address: SocketAddr, source: io::Error) -> ListenError {
    match source.kind() {
        io::ErrorKind::AddrInUse => ListenError::Taken { host: place.host.to_owned(), port: address.port(), key: place.key },
        io::ErrorKind::PermissionDenied => ListenError::Forbidden { port: address.port(), key: place.key },
        _ => ListenError::Other { address, source },
    }
}

/// Where a server can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The socket.
    pub address: SocketAddr,
    /// Behind TLS.
    pub tls: bool,
    /// Administration only.
    pub admin: bool,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.tls { "https" } else { "http" }, self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::{ListenError, Place, bind, resolve};

    fn place(host: &str, port: u16) -> Place<'_> {
        Place { host, port, key: "server.port" }
    }

    #[tokio::test]
    async fn a_taken_port_is_named_with_the_way_out() {
        let free = place("127.0.0.1", 0);
        let held = bind(free, &resolve(free).await.unwrap()).unwrap();
        let port = held[0].local_addr().unwrap().port();
        let taken = place("127.0.0.1", port);
        let error = bind(taken, &resolve(taken).await.unwrap()).unwrap_err();
        assert!(matches!(error, ListenError::Taken { .. }));
        let message = error.to_string();
        assert!(message.contains(&port.to_string()) && message.contains("--port"), "{message}");
    }

    #[tokio::test]
    async fn a_name_is_resolved_and_all_of_its_addresses_share_a_port() {
        let localhost = place("localhost", 0);
        let listeners = bind(localhost, &resolve(localhost).await.unwrap()).unwrap();
        let ports: Vec<u16> = listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        assert!(!ports.is_empty() && ports.iter().all(|port| *port == ports[0]), "{ports:?}");
        assert_eq!(resolve(place("[::1]", 1)).await.unwrap(), ["[::1]:1".parse().unwrap()]);
    }
}
