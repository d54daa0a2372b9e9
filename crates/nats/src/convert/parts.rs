//! Pieces that several messages share.

use bytes::Bytes;
use jiff::Timestamp;
use layergate_model::{Digest, Gap, GapKind, Verdict};
use layergate_ports::values::Lane;
use layergate_wire::{WireError, v1};

/// Reads the fields of one message; errors name it.
#[derive(Clone, Copy)]
pub(super) struct Reader(pub(super) &'static str);

impl Reader {
    pub(super) fn bad(self, field: &str, why: impl std::fmt::Display) -> WireError {
        WireError::field(self.0, field, why)
    }

    /// A text that must be there.
    pub(super) fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(
        self,
        field: &str,
        text: &str,
    ) -> Result<T, WireError> {
        text.parse().map_err(|e| self.bad(field, e))
    }

    /// A text that is empty when there is nothing to say.
    pub(super) fn optional<T: std::str::FromStr<Err: std::fmt::Display>>(
        self,
        field: &str,
        text: &str,
    ) -> Result<Option<T>, WireError> {
        if text.is_empty() { Ok(None) } else { self.parse(field, text).map(Some) }
    }

    pub(super) fn required<T>(self, field: &str, value: Option<T>) -> Result<T, WireError> {
        value.ok_or_else(|| self.bad(field, "missing"))
    }

    pub(super) fn digest(self, field: &str, bytes: &[u8]) -> Result<Digest, WireError> {
        let bytes = <[u8; 32]>::try_from(bytes).map_err(|_| self.bad(field, "not 32 bytes"))?;
        Ok(Digest::from_bytes(bytes))
    }

    pub(super) fn optional_digest(self, field: &str, bytes: &[u8]) -> Result<Option<Digest>, WireError> {
        if bytes.is_empty() { Ok(None) } else { self.digest(field, bytes).map(Some) }
    }

    pub(super) fn time(self, field: &str, time: Option<v1::Time>) -> Result<Timestamp, WireError> {
        let time = self.required(field, time)?;
        Timestamp::new(time.seconds, time.nanos).map_err(|e| self.bad(field, e))
    }

    pub(super) fn lane(self, lane: i32) -> Result<Lane, WireError> {
        match v1::Lane::try_from(lane) {
            Ok(v1::Lane::Interactive) => Ok(Lane::Interactive),
            Ok(v1::Lane::Bulk) => Ok(Lane::Bulk),
            _ => Err(self.bad("lane", lane)),
        }
    }
}

/// The values of a message that this version does not know: a newer process of the fleet wrote them. The message is
/// read all the same, with what is safe in their place, and they are reported with it. An enumeration's unspecified
/// value is none of them: nobody writes it.
#[derive(Default)]
pub(super) struct Newer(pub(super) Vec<String>);

impl Newer {
    /// What stands in the place of a value: `safe` where it is not known.
    pub(super) fn known<W: TryFrom<i32>, T>(
        &mut self,
        read: Reader,
        field: &str,
        number: i32,
        value: impl FnOnce(W) -> Option<T>,
        safe: T,
    ) -> Result<T, WireError> {
        match W::try_from(number) {
            Ok(word) => value(word).ok_or_else(|| read.bad(field, number)),
            Err(_) => {
                self.0.push(format!("{field} {number}"));
                Ok(safe)
            }
        }
    }

    pub(super) fn lane(&mut self, read: Reader, lane: i32) -> Result<Lane, WireError> {
        let known = |lane| match lane {
            v1::Lane::Interactive => Some(Lane::Interactive),
            v1::Lane::Bulk => Some(Lane::Bulk),
            v1::Lane::Unspecified => None,
        };
        self.known(read, "lane", lane, known, Lane::default())
    }

    /// A verdict that nobody here knows lets nothing pass.
    pub(super) fn verdict(&mut self, read: Reader, verdict: i32) -> Result<Verdict, WireError> {
        let known = |verdict| match verdict {
            v1::Verdict::Pass => Some(Verdict::Pass),
            v1::Verdict::Fail => Some(Verdict::Fail),
            v1::Verdict::Error => Some(Verdict::Error),
            v1::Verdict::Unspecified => None,
        };
        self.known(read, "verdict", verdict, known, Verdict::Error)
    }

    /// A gap, or its whole text among what is not known.
    pub(super) fn gap(&mut self, gap: v1::Gap) -> Option<Gap> {
        let Some(kind) = gap_kind(&gap.kind) else {
            self.0.push(format!("gap {:?} at {}: {}", gap.kind, gap.place, gap.detail));
            return None;
        };
        Some(Gap { kind, place: gap.place, detail: gap.detail })
    }
}

/// The kind of gap that a word names.
pub(super) fn gap_kind(word: &str) -> Option<GapKind> {
    GapKind::ALL.iter().find(|kind| kind.as_str() == word).copied()
}

pub(super) fn digest(digest: &Digest) -> Bytes {
    Bytes::copy_from_slice(digest.as_bytes())
}

pub(super) fn time(time: Timestamp) -> Option<v1::Time> {
    Some(v1::Time { seconds: time.as_second(), nanos: time.subsec_nanosecond() })
}

pub(super) fn lane(lane: Lane) -> i32 {
    let lane = match lane {
        Lane::Interactive => v1::Lane::Interactive,
        Lane::Bulk => v1::Lane::Bulk,
    };
    lane.into()
}

pub(super) fn verdict(verdict: Verdict) -> i32 {
    let verdict = match verdict {
        Verdict::Pass => v1::Verdict::Pass,
        Verdict::Fail => v1::Verdict::Fail,
        Verdict::Error => v1::Verdict::Error,
    };
    verdict.into()
}

pub(super) fn gap(gap: &Gap) -> v1::Gap {
    v1::Gap { kind: gap.kind.as_str().into(), place: gap.place.clone(), detail: gap.detail.clone() }
}

pub(super) fn text(value: Option<&impl ToString>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}
