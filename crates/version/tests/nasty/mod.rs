//! Seeded random versions of a nasty shape, and the distributions' own tools to judge them. Used by the
//! differential test and, by `#[path]`, by the example that runs a million pairs.
#![allow(dead_code)]

use std::cmp::Ordering;
use std::io::Write;
use std::process::{Command, Stdio};

/// A small generator (SplitMix64): the same seed gives the same pairs on every machine.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub(crate) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

const PIECES: [&str; 24] = [
    "0",
    "1",
    "2",
    "9",
    "10",
    "00",
    "01",
    "007",
    "99999999999999999999",
    "a",
    "b",
    "Z",
    "rc",
    "alpha",
    "el9",
    "deb12u1",
    ".",
    "..",
    "+",
    "~",
    "~~",
    "-",
    "1.0",
    "2.3.4",
];

fn body(random: &mut Random, extra: &[&str]) -> String {
    let mut out = random.below(12).to_string();
    for _ in 0..random.below(7) {
        out.push_str(if random.below(5) == 0 { random.pick(extra) } else { random.pick(&PIECES) });
    }
    out
}

/// A version, and one that is often nearly the same.
fn pair(random: &mut Random, extra: &[&str]) -> (String, String) {
    let epoch = |random: &mut Random| match random.below(8) {
        0 => "0:",
        1 => "1:",
        2 => "02:",
        _ => "",
    };
    let a = format!("{}{}", epoch(random), body(random, extra));
    let b = match random.below(3) {
        0 => format!("{}{}", epoch(random), body(random, extra)),
        1 => format!("{a}{}", if random.below(2) == 0 { random.pick(extra) } else { random.pick(&PIECES) }),
        _ => {
            let cut = a.rfind(':').map_or(0, |i| i + 1) + 1;
            let at = cut + random.below(a.len() - cut + 1);
            format!("{}{}{}", &a[..at], random.pick(&PIECES), &a[at..])
        }
    };
    // An empty revision is the one thing here that dpkg refuses.
    let whole = |v: String| if v.ends_with('-') { v + "0" } else { v };
    (whole(a), whole(b))
}

/// Pairs of dpkg versions that policy allows.
pub(crate) fn dpkg_pairs(seed: u64, count: usize) -> Vec<(String, String)> {
    let mut random = Random(seed);
    (0..count).map(|_| pair(&mut random, &["+", "~", "-1", "+b1", "~rc1", "-0ubuntu1"])).collect()
}

/// Pairs of rpm versions.
pub(crate) fn rpm_pairs(seed: u64, count: usize) -> Vec<(String, String)> {
    let mut random = Random(seed);
    (0..count).map(|_| pair(&mut random, &["^", "^git1", "_", "-1", "^20210101", "-2.el9"])).collect()
}

/// What `dpkg --compare-versions` says; it takes one pair in a process.
pub(crate) fn ask_dpkg(a: &str, b: &str) -> Option<Ordering> {
    for (operator, order) in [("lt", Ordering::Less), ("gt", Ordering::Greater), ("eq", Ordering::Equal)] {
        let mut dpkg = Command::new("dpkg");
        dpkg.args(["--compare-versions", a, operator, b]).stderr(Stdio::null());
        match dpkg.status().ok()?.code()? {
            0 => return Some(order),
            1 => {}
            _ => return None,
        }
    }
    None
}

/// What rpm says of all pairs, in one process.
pub(crate) fn ask_rpm(pairs: &[(String, String)]) -> Option<Vec<Ordering>> {
    let name = format!("layergate-rpm-{}-{}.lua", std::process::id(), pairs.len());
    let path = std::env::temp_dir().join(name);
    let mut script = String::from("local t = {}\n");
    for (a, b) in pairs {
        script.push_str(&format!("t[#t + 1] = rpm.vercmp(\"{a}\", \"{b}\") + 1\n"));
    }
    script.push_str("print(table.concat(t))\n");
    std::fs::File::create(&path).ok()?.write_all(script.as_bytes()).ok()?;
    let macro_text = format!("%{{lua:dofile(\"{}\")}}", path.display());
    let output = Command::new("rpm").args(["--eval", &macro_text]).output();
    let _ = std::fs::remove_file(&path);
    let text = String::from_utf8(output.ok()?.stdout).ok()?;
    let orders: Vec<Ordering> = text
        .trim()
        .bytes()
        .filter_map(|byte| match byte {
            b'0' => Some(Ordering::Less),
            b'1' => Some(Ordering::Equal),
            b'2' => Some(Ordering::Greater),
            _ => None,
        })
        .collect();
    (orders.len() == pairs.len()).then_some(orders)
}

/// Whether a tool is there.
pub(crate) fn has(tool: &str) -> bool {
    Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}
