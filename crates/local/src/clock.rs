//! The machine's clocks. The monotonic one is tokio's, so that a test that pauses tokio's time pauses this one.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use layergate_ports::Clock;
use tokio::time::Instant;

/// The machine's clocks.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
