//! Compares pairs: `batch SCHEME` reads `A<TAB>B` lines from standard input and prints -1, 0, 1, or 9 where one of
//! them is no version. For comparing with an ecosystem's own tool.

use std::io::{BufRead, Write};
use std::process::ExitCode;

use layergate_version::Scheme;

fn main() -> ExitCode {
    let Some(Ok(scheme)) = std::env::args().nth(1).map(|name| name.parse::<Scheme>()) else {
        eprintln!("usage: batch SCHEME");
        return ExitCode::from(2);
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let (a, b) = line.split_once('\t').unwrap_or((&line, ""));
        let order = scheme.compare(a, b).map_or(9, |order| order as i32);
        if writeln!(out, "{order}").is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
