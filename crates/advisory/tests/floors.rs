//! How whole a namespace's feeds are: what counts against which floor.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use layergate_advisory::{Affected, Builder, Floor, FloorOf, Namespace, Record, Snapshot};

fn floor(feed: &str, of: FloorOf, at_least: u64) -> Floor {
    Floor { feed: feed.into(), of, at_least, fixed_only: false }
}

fn snapshot() -> Snapshot {
    let mut builder = Builder::new();
    let mut add = |feed: &'static str, count: usize, namespaces: &[&str]| {
        for n in 0..count {
            let id = format!("{feed}-{}-{n}", namespaces.join("+"));
            let namespaces = namespaces.iter().map(|n| Namespace::new(n).unwrap());
            // Two packages of one record are one record.
            let affected = namespaces.flat_map(|n| ["a", "b"].map(|p| Affected::fixed(n.clone(), p, "1")));
            builder.add(&Record { affected: affected.collect(), ..Record::new(feed, id) }).unwrap();
        }
    };
    add("vendor", 6, &["rhel:8", "rhel:9"]);
    add("vendor", 5, &["rhel:9"]);
    add("sample", 1, &["rhel:10"]);
    add("secdb", 4, &["alpine:3.20"]);
    add("secdb", 1, &["alpine:3.21"]);
    add("own", 3, &["npm"]);
    add("own", 3, &["cargo"]);
    add("own", 3, &["pub"]);
    add("other", 1, &["pub"]);
    // The same record three times over is one.
    for _ in 0..3 {
        add("copied", 1, &["hex"]);
    }
    builder.floors([
        floor("vendor", FloorOf::Family("rhel".into()), 10),
        floor("secdb", FloorOf::EachRelease("alpine".into()), 2),
        floor("registry", FloorOf::Family("npm".into()), 100),
        floor("own", FloorOf::Feed, 1000),
        floor("own", FloorOf::Family("pub".into()), 4),
        floor("other", FloorOf::Family("pub".into()), 1),
        floor("copied", FloorOf::Family("hex".into()), 2),
    ]);
    Snapshot::from_bytes(builder.finish().unwrap()).unwrap()
}

#[test]
fn what_is_partial() {
    let snapshot = snapshot();
    let cases = [
        ("rhel:8", None, "the family's 11 count together"),
        ("rhel:9", None, "the family's 11 count together"),
        ("rhel:10", Some(("vendor", 0, 10)), "of the vendor there is nothing here, however much elsewhere"),
        ("alpine:3.20", None, "enough of its own"),
        ("alpine:3.21", Some(("secdb", 1, 2)), "too few of its own"),
        ("npm", Some(("registry", 0, 100)), "another's records do not stand for the registry's"),
        ("cargo", None, "nobody knows how many there must be"),
        ("pub", None, "one whole feed is enough"),
        ("hex", Some(("copied", 1, 2)), "copies are one record"),
    ];
    for (namespace, want, why) in cases {
        let coverage = snapshot.coverage(&Namespace::new(namespace).unwrap()).unwrap();
        let got = coverage.partial().map(|s| (s.feed.as_str(), s.records, s.at_least));
        assert_eq!(got, want, "{namespace}: {why}");
    }
    let partial: Vec<&str> = snapshot.feeds().iter().filter(|f| f.is_partial()).map(|f| f.info.id.as_str()).collect();
    assert_eq!(partial, ["own"]);
}
