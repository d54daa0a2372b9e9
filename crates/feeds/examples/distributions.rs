//! Prints `docs/distributions.md` from the tables: `cargo run -p layergate-feeds --example distributions >
//! docs/distributions.md`.
#![allow(missing_docs, unreachable_pub, dead_code)]

use std::fmt::Write as _;

use layergate_advisory::{Cut, DISTRIBUTIONS, Names, Namespace, REGISTRIES, UNJUDGED};
use layergate_feeds::{ECOSYSTEMS, Read};
use layergate_model::PackageKind;

fn main() {
    print!("{}", page());
}

/// The page.
pub fn page() -> String {
    let mut out = String::from(INTRODUCTION);
    // Writing to a String cannot fail.
    let _ = writeln!(out, "\n## Distributions with advisories\n");
    let _ = writeln!(out, "| `ID` | release | asked as | by | packages of | advisories | its publishers sign as |");
    let _ = writeln!(out, "|---|---|---|---|---|---|---|");
    for row in DISTRIBUTIONS {
        let release = match row.cut {
            Cut::Major => "one number",
            Cut::Minor => "two numbers",
            Cut::Whole => "all of it",
            Cut::Rolling => "none",
        };
        let names = match row.names {
            Names::Source => "source package",
            Names::Binary => "binary package",
            Names::BinaryAndSource => "both",
            Names::BinaryAndUnfixedSource => "binary package; what has no fix: source",
        };
        let asked = if row.cut == Cut::Rolling { row.family.to_owned() } else { format!("{}:…", row.family) };
        let publishers = if row.publishers.is_empty() { "(nobody)".to_owned() } else { code(row.publishers) };
        let _ = writeln!(
            out,
            "| {} | {release} | `{asked}` | {names} | {} | {} | {publishers} |",
            code(row.ids),
            row.manager,
            row.sources
        );
    }
    let _ = writeln!(out, "{STREAMS}\n## Distributions without\n\n| `ID` | why |\n|---|---|");
    for (ids, _, why) in UNJUDGED {
        let _ = writeln!(out, "| {} | {why} |", code(ids));
    }
    let _ = writeln!(out, "\n## Kinds of packages\n\n| kind | asked as |\n|---|---|");
    for kind in PackageKind::ALL {
        let asked = match REGISTRIES.iter().find(|(of, _)| of == kind) {
            Some((_, family)) => format!("`{family}`"),
            None if DISTRIBUTIONS.iter().any(|row| row.manager == *kind) => "its distribution".to_owned(),
            None if *kind == PackageKind::Generic => {
                "a [program that is known](programs.md) by `nodejs`, `bitnami` and `nvd`; else `unwatched_ecosystem`"
                    .to_owned()
            }
            None => "nobody: gap `unwatched_ecosystem`".to_owned(),
        };
        let _ = writeln!(out, "| {kind} | {asked} |");
    }
    let _ = writeln!(
        out,
        "\n## OSV's ecosystems\n\n| name | example | filed as | versions ordered as |\n|---|---|---|---|"
    );
    for (name, example, read) in ECOSYSTEMS {
        let (filed, order) = match read {
            Read::As(namespace) => {
                let scheme = Namespace::new(namespace).ok().and_then(|n| n.scheme());
                (format!("`{namespace}`"), scheme.map_or_else(String::new, |s| format!("{s:?}")))
            }
            Read::Not(why) => (format!("left out: {why}"), String::new()),
        };
        let _ = writeln!(out, "| {name} | `{example}` | {filed} | {order} |");
    }
    out
}

fn code(words: &[&str]) -> String {
    words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ")
}

const INTRODUCTION: &str = "# Whose advisories judge what

This page is made from the program's tables (`cargo run -p layergate-feeds --example distributions`); a test holds the two
together. A distribution is known by the `ID` of its `os-release` alone: a relative's advisories are never used because of
`ID_LIKE`, for a derived distribution builds packages under other versions, and a wrong \"not affected\" would be silent.
What no row answers is a [gap](gaps.md): `unknown_distribution`, `no_advisories` (the snapshot has none for this release) or
`unwatched_ecosystem`.
";

const STREAMS: &str = "
Asked beside or instead of a distribution's own:

| packages | asked as |
|---|---|
| Red Hat's, where a content manifest or the label `cpe` names an extended stream | `rhel-eus:…` (`-aus`, `-tus`, `-e4s`, `-els`) beside the main line: the stream's fixes are reported in the place of the main line's, and only what the stream says nothing of by the main line |
| Red Hat's, built for a minor release (`.el9_2`) | as the plain ones; what an extended stream of that release has fixed in this very build is left out |
| other products' repositories in a content manifest | `partial_advisories`: only what RHEL's own advisories know by name was judged |
| Ubuntu with `+esm` in a version | `ubuntu-esm:…` too; without it what only Pro fixes is reported as `end_of_life` |
| vendor Fedora Project on a relative of Red Hat's | `epel:…`; and the distribution's own where these know the name |
| Oracle builds with `.ksplice` or `_fips` | `oracle-ksplice:…`, `oracle-fips:…` instead |
| a signed kernel or boot loader of Debian or Ubuntu | the plain source, by the version inside its own |
| a publisher that is not the distribution | nobody: `third_party_package`; what is recognised inside is judged by its registry |
";
