//! What answers have in common: when to come back, which status passes, and a body that is not larger than it may be.

use std::time::Duration;

use futures::StreamExt as _;
use reqwest::{
    Response, StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};

/// How long the answer asks to be left alone: seconds or a date (RFC 9110, 10.2.3).
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let wait = until.as_second().saturating_sub(jiff::Timestamp::now().as_second());
    Some(Duration::from_secs(u64::try_from(wait).unwrap_or(0)))
}

/// Whether the same request may succeed later: the server is overloaded or broken (408, 425, 429 and 5xx).
pub fn is_busy(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429)
}

/// The first byte of a `Content-Range` such as `bytes 5-9/10` (RFC 9110, 14.4).
pub fn range_start(range: &str) -> Option<u64> {
    range.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

/// Why there is no body.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is larger than it may be.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    /// It broke off.
    #[error("{}", crate::describe(.0))]
    Broken(#[from] reqwest::Error),
}

/// A body of at most `limit` bytes, in memory. Its length is believed only where it is too large.
pub async fn body(response: Response, limit: usize) -> Result<Vec<u8>, BodyError> {
    if response.content_length().is_some_and(|n| n > limit as u64) {
        return Err(BodyError::TooLarge(limit));
    }
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
        if body.len() + chunk.len() > limit {
            return Err(BodyError::TooLarge(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_that_servers_ask_for() {
        for (text, want) in [
            ("7", Some(7)),
            (" 7 ", Some(7)),
            ("Wed, 21 Oct 2015 07:28:00 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
            ("99999999999", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            assert_eq!(retry_after(&headers), want.map(Duration::from_secs), "{text}");
        }
        let in_an_hour = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
        let text = jiff::fmt::rfc2822::to_string(&in_an_hour.to_zoned(jiff::tz::TimeZone::UTC)).unwrap();
        let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
        assert!(retry_after(&headers).is_some_and(|wait| wait > Duration::from_secs(3000)), "{text}");
    }

    #[test]
    fn statuses_that_pass() {
        for (status, want) in
            [(408, true), (425, true), (429, true), (500, true), (503, true), (404, false), (401, false)]
        {
            assert_eq!(is_busy(StatusCode::from_u16(status).unwrap()), want, "{status}");
        }
    }

    #[test]
    fn where_a_part_begins() {
        for (text, want) in [("bytes 5-9/10", Some(5)), ("bytes 0-0/*", Some(0)), ("bytes */10", None), ("5-9", None)] {
            assert_eq!(range_start(text), want, "{text}");
        }
    }
}
