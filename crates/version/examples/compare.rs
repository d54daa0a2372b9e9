//! Checks a file of comparisons: `compare ECOSYSTEM FILE`, lines such as `1.0 < 1.1`, `=` and `>` too; blank
//! lines and those that begin with `#` or `//` are comments. Prints what comes out wrong; exit code 1 if
//! there is any, 2 when the arguments or the file cannot be used.

use std::cmp::Ordering;
use std::process::ExitCode;

use layergate_version::Scheme;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (Some(ecosystem), Some(file)) = (args.next(), args.next()) else {
        eprintln!("usage: compare ECOSYSTEM FILE");
        return ExitCode::from(2);
    };
    let scheme = match ecosystem.parse::<Scheme>() {
        Ok(scheme) => scheme,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let text = match std::fs::read(&file) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => {
            eprintln!("{file}: {error}");
            return ExitCode::from(2);
        }
    };
    let (mut lines, mut wrong) = (0_u64, 0_u64);
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') || line.starts_with("//") {
            continue;
        }
        lines += 1;
        if let Err(why) = judge(scheme, line) {
            wrong += 1;
            println!("{file}:{}: {line}: {why}", index + 1);
        }
    }
    eprintln!("{scheme}: {lines} comparisons, {wrong} wrong");
    ExitCode::from(u8::from(wrong > 0))
}

fn judge(scheme: Scheme, line: &str) -> Result<(), String> {
    let operators = [(" < ", Ordering::Less), (" = ", Ordering::Equal), (" > ", Ordering::Greater)];
    let Some((a, b, expected)) =
        operators.iter().find_map(|(text, order)| line.split_once(text).map(|(a, b)| (a, b, *order)))
    else {
        return Err("not a comparison".to_owned());
    };
    let forwards = scheme.compare(a.trim(), b.trim()).map_err(|e| e.to_string())?;
    let backwards = scheme.compare(b.trim(), a.trim()).map_err(|e| e.to_string())?;
    if forwards != backwards.reverse() {
        return Err(format!("forwards {forwards:?}, backwards {backwards:?}"));
    }
    if forwards == expected { Ok(()) } else { Err(format!("got {forwards:?}")) }
}
