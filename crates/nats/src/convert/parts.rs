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

    pub(super) fn verdict(self, verdict: i32) -> Result<Verdict, WireError> {
        match v1::Verdict::try_from(verdict) {
            Ok(v1::Verdict::Pass) => Ok(Verdict::Pass),
            Ok(v1::Verdict::Fail) => Ok(Verdict::Fail),
            Ok(v1::Verdict::Error) => Ok(Verdict::Error),
            _ => Err(self.bad("verdict", verdict)),
        }
    }

    pub(super) fn gap_kind(self, field: &str, word: &str) -> Result<GapKind, WireError> {
        let kind = GapKind::ALL.iter().find(|kind| kind.as_str() == word);
        kind.copied().ok_or_else(|| self.bad(field, format!("{word:?} is no kind of gap")))
    }

    pub(super) fn gap(self, gap: v1::Gap) -> Result<Gap, WireError> {
        Ok(Gap { kind: self.gap_kind("gap", &gap.kind)?, place: gap.place, detail: gap.detail })
    }
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
