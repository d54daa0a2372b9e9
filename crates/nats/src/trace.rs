//! The W3C trace context, as the header `traceparent` beside a message. It comes from outside: what is not one is left out.

use async_nats::{HeaderMap, HeaderValue, jetstream};

const TRACE: &str = "traceparent";
/// `00-<32>-<16>-<2>` is 55 characters; later versions may add some.
const LONGEST: usize = 128;

/// The headers of a message.
pub(crate) fn headers(trace: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let plain = |t: &&str| t.len() <= LONGEST && t.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    if let Some(trace) = trace.filter(plain).and_then(|t| t.parse::<HeaderValue>().ok()) {
        headers.insert(TRACE, trace);
    }
    headers
}

/// The trace context of a message.
pub(crate) fn of(message: &jetstream::Message) -> Option<String> {
    let value = message.headers.as_ref()?.get(TRACE)?.as_str();
    (value.len() <= LONGEST).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_trace_context_is_left_out() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(headers(Some(good)).get(TRACE).map(|v| v.as_str()), Some(good));
        for bad in ["a\r\nNats-TTL: 1s", "x y", "é", &"0".repeat(129)] {
            assert!(headers(Some(bad)).is_empty(), "{bad:?}");
        }
        assert!(headers(None).is_empty());
    }
}
