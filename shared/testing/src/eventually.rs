use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

/// Short compared with every interval in the tests.
const PAUSE: Duration = Duration::from_millis(20);

/// A value, or the state found instead.
pub trait Probe {
    type Found;

    /// # Errors
    /// The state found instead.
    fn found(self) -> Result<Self::Found, String>;
}

impl<T> Probe for Option<T> {
    type Found = T;

    fn found(self) -> Result<T, String> {
        self.ok_or_else(|| "nothing".to_owned())
    }
}

impl<T, E: Debug> Probe for Result<T, E> {
    type Found = T;

    fn found(self) -> Result<T, String> {
        self.map_err(|seen| format!("{seen:?}"))
    }
}

/// Probes until a value is found; `Err(seen)` and `None` mean: not yet.
///
/// # Panics
/// After `within`, with the last state.
pub async fn eventually<L: Probe>(
    what: &str,
    within: Duration,
    mut probe: impl AsyncFnMut() -> L,
) -> L::Found {
    let deadline = Instant::now() + within;
    loop {
        match probe().await.found() {
            Ok(found) => return found,
            Err(seen) => {
                assert!(Instant::now() < deadline, "not within {within:?}: {what}; last seen: {seen}")
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_returns_what_it_found() {
        let mut looks = 0;
        let found = eventually("the third look", Duration::from_secs(5), async || {
            looks += 1;
            if looks == 3 { Ok(looks) } else { Err(looks) }
        });
        assert_eq!(found.await, 3);
    }

    #[tokio::test]
    #[should_panic(expected = "a pig that flies; last seen: \"a pig that walks\"")]
    async fn it_says_what_it_waited_for_and_what_it_saw_instead() {
        eventually("a pig that flies", Duration::from_millis(1), async || Err::<(), _>("a pig that walks"))
            .await;
    }
}
