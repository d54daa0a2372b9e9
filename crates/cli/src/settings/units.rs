//! Sizes and times as people write them on a command line: `4GiB`, `90s`.

use std::time::Duration;

/// A number of bytes: `4GiB`, `512MiB`, `64KiB` (powers of 1024), `10GB`, `10MB`, `10kB` (powers of 1000), or plain bytes.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is not a size (4GiB, 512MiB, 10MB, or plain bytes)");
    let (number, unit) = split(text);
    let factor: u64 = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(factor).ok_or_else(|| format!("{text:?} is too large"))
}

/// A number of bytes below 4 GiB, as [`bytes`] reads it.
pub(crate) fn small_bytes(text: &str) -> Result<u32, String> {
    bytes(text)?.try_into().map_err(|_| format!("{text:?} is too large"))
}

/// A number of bytes with its unit. A plain number is refused: it would be taken for something else than it was meant.
pub(crate) fn storage(text: &str) -> Result<u64, String> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!("{text:?} has no unit; {text}GiB is meant?"));
    }
    bytes(text)
}

/// `90s`, `10m`, `2h`, `1d`, or plain seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration (90s, 10m, 2h, 1d)");
    let (number, unit) = split(text);
    let factor = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let seconds: u64 = number.parse().map_err(|_| wrong())?;
    seconds.checked_mul(factor).map(Duration::from_secs).ok_or_else(|| format!("{text:?} is too long"))
}

fn split(text: &str) -> (&str, &str) {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    (number, unit.trim_start_matches(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_have_units() {
        for (text, want) in [("5", 5), ("4GiB", 4 << 30), ("10 MB", 10_000_000), ("64KiB", 65_536), ("1B", 1)] {
            assert_eq!(bytes(text), Ok(want), "{text}");
        }
        for bad in ["", "GiB", "-1", "1.5GiB", "4gib", "4G", "99999999999TiB", "18446744073709551616"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
        assert!(small_bytes("4GiB").is_err() && small_bytes("4KiB") == Ok(4096));
        assert!(storage("4").is_err() && storage("4GiB") == Ok(4 << 30));
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("10m"), Ok(Duration::from_secs(600)));
        for bad in ["", "m", "1w", "-1s", "99999999999999999999"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
