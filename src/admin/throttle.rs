//! How often somebody may be wrong about the key.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// So long a wrong key is remembered.
const WINDOW: Duration = Duration::from_secs(60);
/// Wrong keys of one client within it: more than a person mistypes.
const OF_ONE: usize = 10;
/// And of all clients together, however many addresses somebody has.
const OF_ALL: usize = 100;

/// Wrong keys of the last minute. Never holds more than [`OF_ALL`].
#[derive(Default)]
pub(super) struct Throttle(Mutex<VecDeque<(Instant, IpAddr)>>);

impl Throttle {
    /// Counts an attempt of `client` as a wrong one until [`Throttle::was_right`] says otherwise, so that many at once are
    /// counted too. `Err`: it has to wait for so long.
    pub(super) fn attempt(&self, client: IpAddr) -> Result<(), Duration> {
        let (client, now) = (network(client), Instant::now());
        let mut wrong = self.lock();
        while wrong.front().is_some_and(|(at, _)| now.duration_since(*at) >= WINDOW) {
            wrong.pop_front();
        }
        let of_one = || wrong.iter().filter(|(_, other)| *other == client);
        let oldest = match (of_one().count(), wrong.len()) {
            (one, _) if one >= OF_ONE => of_one().next(),
            (_, all) if all >= OF_ALL => wrong.front(),
            _ => None,
        };
        if let Some((at, _)) = oldest {
            return Err(WINDOW.saturating_sub(now.duration_since(*at)).max(Duration::from_secs(1)));
        }
        wrong.push_back((now, client));
        Ok(())
    }

    /// The last attempt of `client` was none of the wrong ones, and neither shall the earlier ones hurt it.
    pub(super) fn was_right(&self, client: IpAddr) {
        let client = network(client);
        self.lock().retain(|(_, other)| *other != client);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Instant, IpAddr)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever has one address of IPv6 has a whole network of them.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::time::Duration;

    use tokio::time::advance;

    use super::{OF_ALL, OF_ONE, Throttle};

    fn client(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

    #[tokio::test(start_paused = true)]
    async fn ten_wrong_keys_a_minute_are_too_many_for_one_client_and_no_other() {
        let throttle = Throttle::default();
        for _ in 0..OF_ONE {
            throttle.attempt(client(1)).unwrap();
            advance(Duration::from_secs(1)).await;
        }
        assert_eq!(throttle.attempt(client(1)), Err(Duration::from_secs(50)));
        assert_eq!(throttle.attempt(client(2)), Ok(()));
        advance(Duration::from_secs(50)).await;
        assert_eq!(throttle.attempt(client(1)), Ok(()), "the oldest is a minute old");
        assert!(throttle.attempt(client(1)).is_err());
        throttle.was_right(client(1));
        assert_eq!(throttle.attempt(client(1)), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_hundred_addresses_help_nobody() {
        let throttle = Throttle::default();
        for number in 0..OF_ALL {
            throttle.attempt(client(number as u8)).unwrap();
        }
        assert_eq!(throttle.attempt(client(200)), Err(Duration::from_secs(60)));
        let one: Vec<IpAddr> = (0..=OF_ONE).map(|host| format!("2001:db8::{host:x}").parse().unwrap()).collect();
        let throttle = Throttle::default();
        let refused = one.iter().filter(|address| throttle.attempt(**address).is_err()).count();
        assert_eq!(refused, 1, "one network of IPv6 is one client");
    }
}
