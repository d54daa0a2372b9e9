//! Many pairs of nasty versions against rpm and dpkg: `differential [COUNT] [SEED]`, a million and 7 by default.
//! rpm judges all in a few processes. dpkg takes one process for each pair (an hour for a million), so first
//! perl and Dpkg::Version judge and dpkg those in which they see it otherwise; without perl dpkg judges `COUNT / 100`.

#[path = "../tests/nasty/mod.rs"]
mod nasty;

use std::cmp::Ordering;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitCode, Stdio};

use layergate_version::Scheme;

/// A filter that prints -1, 0 or 1 for each line of two versions.
const PERL: &str = "use Dpkg::Version; $| = 0; while (<STDIN>) { chomp; my ($a, $b) = split /\\t/; \
                    print version_compare($a, $b), \"\\n\"; }";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let count: usize = args.next().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let seed: u64 = args.next().and_then(|n| n.parse().ok()).unwrap_or(7);
    let wrong = rpm(seed, count) + dpkg(seed, count);
    ExitCode::from(u8::from(wrong > 0))
}

fn judge(scheme: Scheme, pairs: &[(String, String)], theirs: &[Ordering]) -> usize {
    let mut wrong = 0;
    for ((a, b), theirs) in pairs.iter().zip(theirs) {
        let ours = scheme.compare(a, b);
        if ours.as_ref() != Ok(theirs) {
            wrong += 1;
            println!("{scheme}: {a} {b}: ours {ours:?}, theirs {theirs:?}");
        }
    }
    wrong
}

fn rpm(seed: u64, count: usize) -> usize {
    if !nasty::has("rpm") {
        println!("rpm: skipped, not installed");
        return 0;
    }
    let pairs = nasty::rpm_pairs(seed, count);
    let mut wrong = 0;
    for chunk in pairs.chunks(50_000) {
        let Some(theirs) = nasty::ask_rpm(chunk) else {
            println!("rpm: skipped, it has no rpm.vercmp in Lua");
            return wrong;
        };
        wrong += judge(Scheme::Rpm, chunk, &theirs);
    }
    println!("rpm: {count} pairs, {wrong} differ");
    wrong
}

fn dpkg(seed: u64, count: usize) -> usize {
    let pairs = nasty::dpkg_pairs(seed, count);
    if let Some(theirs) = ask_perl(&pairs) {
        // Perl compares long numbers as floating point; what it sees otherwise goes to dpkg itself.
        let (mut doubts, mut wrong) = (0, 0);
        for ((a, b), theirs) in pairs.iter().zip(theirs) {
            if Scheme::Dpkg.compare(a, b) != Ok(theirs) {
                doubts += 1;
                let pair = [(a.clone(), b.clone())];
                wrong += nasty::ask_dpkg(a, b).map_or(1, |order| judge(Scheme::Dpkg, &pair, &[order]));
            }
        }
        println!("dpkg: {count} pairs, {doubts} doubtful ones asked of dpkg itself, {wrong} differ");
        return wrong;
    }
    if !nasty::has("dpkg") {
        println!("dpkg: skipped, not installed");
        return 0;
    }
    let pairs = &pairs[..(count / 100).min(pairs.len())];
    let theirs: Vec<Ordering> = pairs.iter().map_while(|(a, b)| nasty::ask_dpkg(a, b)).collect();
    let wrong = judge(Scheme::Dpkg, pairs, &theirs);
    println!("dpkg: {} pairs, {wrong} differ", theirs.len());
    wrong
}

fn ask_perl(pairs: &[(String, String)]) -> Option<Vec<Ordering>> {
    let mut child = Command::new("perl")
        .args(["-e", PERL])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut input = child.stdin.take()?;
    let output = BufReader::new(child.stdout.take()?);
    let orders: Vec<Ordering> = std::thread::scope(|scope| {
        scope.spawn(move || {
            for (a, b) in pairs {
                if writeln!(input, "{a}\t{b}").is_err() {
                    return;
                }
            }
        });
        output.lines().map_while(Result::ok).filter_map(|l| l.parse::<i32>().ok()).map(|n| n.cmp(&0)).collect()
    });
    let _ = child.wait();
    (orders.len() == pairs.len()).then_some(orders)
}
