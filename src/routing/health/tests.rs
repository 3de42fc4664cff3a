use std::time::Duration;

use super::Health;
use crate::routing::Millis;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn speed_follows_the_newest_and_grows_stale() {
    let health = Health::default();
    assert_eq!(health.speed(Millis(0)), None);
    health.measure(millis(100), Millis(0));
    assert_eq!(health.speed(Millis(0)), Some(100.0));
    health.measure(millis(200), Millis(1000));
    assert!((health.speed(Millis(1000)).unwrap() - 130.0).abs() < 0.1);
    assert_eq!(health.speed(Millis(302_000)), None, "idle for five minutes: to be measured anew");
    let instant = Health::default();
    instant.measure(Duration::ZERO, Millis(0));
    assert!(instant.speed(Millis(0)).is_some());
}
