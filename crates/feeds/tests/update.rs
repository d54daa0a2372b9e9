//! Updates against a local server that stands for the upstreams, and misbehaves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use layergate_advisory::{Namespace, Snapshot};
use layergate_feeds::{
    Event, EventSink, Expected, FetchError, FetchLimits, LockError, Sources, UpdateError, UpdateOptions, UpdateReport,
    expected, mirror, quiet, update,
};
use layergate_model::Digest;
use support::{Page, Server, etag};
use tempfile::TempDir;

/// So many OSV records, one a line.
fn osv(count: usize) -> String {
    (0..count)
        .map(|n| {
            format!(
                "{{\"id\":\"GHSA-{n:04}\",\"modified\":\"2026-01-02T00:00:00Z\",\"affected\":[{{\"package\":{{\"ecosystem\":\"npm\",\
                 \"name\":\"package-{n}\"}},\"ranges\":[{{\"type\":\"SEMVER\",\"events\":[{{\"introduced\":\"0\"}},{{\"fixed\":\"1.{n}.0\"}}]}}]}}]}}\n"
            )
        })
        .collect()
}

const KEV: &str = r#"{"title":"t","catalogVersion":"2026.1","dateReleased":"x","count":1,"vulnerabilities":[
{"cveID":"CVE-2020-1","vulnerabilityName":"n","dateAdded":"2022-01-01","dueDate":"","knownRansomwareCampaignUse":"Known"}]}"#;

struct World {
    server: Server,
    home: TempDir,
}

impl World {
    /// Two sources: `npm/all.jsonl` of OSV records and a KEV list.
    fn new() -> Self {
        let server = Server::start();
        server.text("/osv/npm/all.jsonl", &osv(100));
        server.text("/kev/kev.json", KEV);
        Self { server, home: tempfile::tempdir().unwrap() }
    }

    fn sources(&self) -> Sources {
        let url = &self.server.url;
        Sources::from_text(&format!(
            "only = [\"osv\", \"kev\"]\n[source.osv]\nbase = \"{url}/osv\"\nfiles = [\"npm/all.jsonl\"]\nperhaps = [\"Hex/all.zip\"]\n\
             [source.kev]\nbase = \"{url}/kev\"\nfiles = [\"kev.json\"]\n"
        ))
        .unwrap()
    }

    fn options(&self) -> UpdateOptions {
        let quick = Duration::from_millis(10);
        let limits = FetchLimits {
            attempts: 3,
            first_wait: quick,
            longest_wait: Duration::from_secs(2),
            ..FetchLimits::default()
        };
        UpdateOptions {
            mirror: self.home.path().join("mirror"),
            snapshots: self.home.path().join("snapshots"),
            current: None,
            sources: self.sources(),
            limits,
            force: false,
            wait_for_others: Duration::from_secs(20),
        }
    }

    async fn update(&self, options: &UpdateOptions) -> Result<UpdateReport, UpdateError> {
        update(options, quiet()).await
    }

    fn osv_failure(report: &UpdateReport) -> String {
        let (source, failure) = report.mirror.failures().next().expect("a failure");
        assert_eq!(source, "osv");
        failure.why.clone()
    }
}

fn listening() -> (EventSink, Arc<Mutex<Vec<String>>>) {
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let into = Arc::clone(&heard);
    (Arc::new(move |e: Event| into.lock().unwrap().push(format!("{e:?}"))), heard)
}

fn entries(snapshot: &Path, name: &str) -> usize {
    Snapshot::open(snapshot).unwrap().lookup(&Namespace::new("npm").unwrap(), name).count()
}

#[tokio::test]
async fn without_a_network_it_ends_soon_and_says_why() {
    let world = World::new();
    // Takes connections and never answers, as a firewall that drops does.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    // A port that needs the administrator's rights; nobody listens there.
    let closed = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
    for (address, why) in
        [(silent.local_addr().unwrap(), "no server has answered within 0.3 s"), (closed, "the connection was refused")]
    {
        let text = format!("only = [\"kev\"]\n[source.kev]\nbase = \"http://{address}/kev\"\nfiles = [\"kev.json\"]\n");
        let mut options = UpdateOptions { sources: Sources::from_text(&text).unwrap(), ..world.options() };
        options.limits.first_answer = Duration::from_millis(300);
        options.limits.attempts = 1000;
        let begin = std::time::Instant::now();
        let error = update(&options, quiet()).await.err().unwrap().to_string();
        assert!(error.contains(why) && error.contains("is this machine offline?"), "{error}");
        if why.starts_with("no server") {
            let error = expected(&options, quiet()).await.unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        // A thousand attempts with their pauses take longer by far.
        assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
    }
    // Who has answered, and be it that he is busy, is waited for: the second answer comes long after the bound.
    let first = vec![(503, Some(3))];
    world.server.page("/osv/npm/all.jsonl", Page { body: osv(100).into(), first, ..Page::default() });
    let mut options = world.options();
    options.limits.first_answer = Duration::from_secs(2);
    options.limits.longest_wait = Duration::from_secs(10);
    let report = world.update(&options).await.unwrap();
    assert_eq!(entries(&report.snapshot, "package-99"), 1);
}

#[tokio::test]
async fn from_nothing_to_a_snapshot_and_then_nothing_new() {
    let world = World::new();
    let (show, heard) = listening();
    let first = update(&world.options(), show).await.unwrap();
    assert!(first.changed);
    assert_eq!(first.snapshot.file_name().unwrap().to_str().unwrap(), format!("sha256-{}.lgdb", first.digest.to_hex()));
    assert_eq!(entries(&first.snapshot, "package-99"), 1);
    let osv = first.mirror.sources.iter().find(|s| s.id == "osv").unwrap();
    assert_eq!((osv.fresh, osv.unchanged, osv.absent, osv.failures.len()), (1, 0, 1, 0));
    assert!(heard.lock().unwrap().iter().any(|e| e.contains("Building")));

    // The second one asks with the tag, is reported 304, and builds nothing.
    let options = UpdateOptions { current: Some(first.snapshot.clone()), ..world.options() };
    let second = world.update(&options).await.unwrap();
    assert!(!second.changed && second.build.is_none());
    assert_eq!(second.snapshot, first.snapshot);
    let seen = world.server.seen("/osv/npm/all.jsonl");
    assert_eq!(seen.len(), 2);
    assert!(!seen[0].headers.contains_key("if-none-match") && seen[1].headers.contains_key("if-none-match"));

    // A file that somebody removed from the mirror is asked for without the tag.
    std::fs::remove_file(options.mirror.join("osv/npm/all.jsonl")).unwrap();
    let third = world.update(&options).await.unwrap();
    assert_eq!((third.digest, third.mirror.failures().count()), (first.digest, 0));

    // New data, new snapshot.
    world.server.text("/osv/npm/all.jsonl", &self::osv(101));
    let fourth = world.update(&options).await.unwrap();
    assert!(fourth.changed && fourth.digest != first.digest);
    assert_eq!(entries(&fourth.snapshot, "package-100"), 1);
}

#[tokio::test]
async fn a_cut_download_goes_on_where_it_broke() {
    let world = World::new();
    let body = osv(100);
    world.server.page(
        "/osv/npm/all.jsonl",
        Page { body: body.clone().into(), etag: Some(etag(body.as_bytes())), cuts: vec![1000, 500], ..Page::default() },
    );
    let report = world.update(&world.options()).await.unwrap();
    assert_eq!(report.mirror.failures().count(), 0);
    let ranges: Vec<_> =
        world.server.seen("/osv/npm/all.jsonl").iter().map(|s| s.headers.get("range").cloned()).collect();
    assert_eq!(ranges, [None, Some("bytes=1000-".into()), Some("bytes=1500-".into())]);
    assert_eq!(std::fs::read_to_string(world.options().mirror.join("osv/npm/all.jsonl")).unwrap(), body);
}

#[tokio::test]
async fn a_cut_download_without_validators_begins_anew() {
    let world = World::new();
    let body = osv(100);
    world.server.page("/osv/npm/all.jsonl", Page { body: body.clone().into(), cuts: vec![1000], ..Page::default() });
    world.update(&world.options()).await.unwrap();
    assert!(world.server.seen("/osv/npm/all.jsonl").iter().all(|s| !s.headers.contains_key("range")));
    assert_eq!(std::fs::read_to_string(world.options().mirror.join("osv/npm/all.jsonl")).unwrap(), body);
}

#[tokio::test]
async fn a_download_that_always_breaks_leaves_the_old_file() {
    let world = World::new();
    let first = world.update(&world.options()).await.unwrap();
    let body = osv(200);
    world.server.page("/osv/npm/all.jsonl", Page { body: body.clone().into(), cuts: vec![10; 9], ..Page::default() });
    let options = UpdateOptions { current: Some(first.snapshot.clone()), ..world.options() };
    let second = world.update(&options).await.unwrap();
    assert!(World::osv_failure(&second).contains("of"), "{}", World::osv_failure(&second));
    assert!(second.mirror.failures().all(|(_, f)| f.older_kept));
    assert_eq!((second.changed, entries(&second.snapshot, "package-99")), (false, 1));
}

#[tokio::test]
async fn what_servers_say_no_with() {
    /// What it is about, the answers, what is said of it, how often it is asked.
    type Case = (&'static str, Vec<(u16, Option<u32>)>, Option<&'static str>, usize);
    let cases: [Case; 6] = [
        ("403 is not asked again", vec![(403, None); 9], Some("403 (access refused"), 1),
        ("404 of a file that must be there", vec![(404, None); 9], Some("404 (there is no such file"), 1),
        ("500 is asked again", vec![(500, None)], None, 2),
        ("429 waits as it is reported", vec![(429, Some(1))], None, 2),
        ("429 that asks for too much", vec![(429, Some(3600)); 9], Some("asks for a pause of 3600 s"), 1),
        ("503 for ever", vec![(503, None); 9], Some("busy or broken (503)"), 3),
    ];
    for (what, first, want, asked) in cases {
        let world = World::new();
        let body = osv(100);
        world.server.page("/osv/npm/all.jsonl", Page { body: body.into(), first, ..Page::default() });
        let since = std::time::Instant::now();
        let report = world.update(&world.options()).await.unwrap();
        match want {
            None => assert_eq!(report.mirror.failures().count(), 0, "{what}"),
            Some(want) => {
                assert!(World::osv_failure(&report).contains(want), "{what}: {}", World::osv_failure(&report))
            }
        }
        assert_eq!(world.server.seen("/osv/npm/all.jsonl").len(), asked, "{what}");
        if what.contains("as it is reported") {
            assert!(since.elapsed() >= Duration::from_secs(1), "{what}");
        }
    }
}

#[tokio::test]
async fn a_web_page_is_not_a_feed() {
    let world = World::new();
    let first = world.update(&world.options()).await.unwrap();
    let page = b"<!DOCTYPE html><title>Please log in</title>".to_vec();
    world
        .server
        .page("/osv/npm/all.jsonl", Page { body: page.clone(), kind: Some("text/html".into()), ..Page::default() });
    world.server.page("/kev/kev.json", Page { body: b"{\"catalogVersion\": ".to_vec(), ..Page::default() });
    let options = UpdateOptions { current: Some(first.snapshot.clone()), ..world.options() };
    // Both sources fail: that is no update at all.
    let error = world.update(&options).await.unwrap_err();
    assert!(matches!(error, UpdateError::NothingCame(_)), "{error}");
    world.server.text("/kev/kev.json", KEV);
    let report = world.update(&options).await.unwrap();
    assert!(World::osv_failure(&report).contains("web page"), "{}", World::osv_failure(&report));
    assert_eq!(entries(&report.snapshot, "package-99"), 1);
}

#[tokio::test]
async fn a_feed_that_lost_its_records_is_refused_unless_forced() {
    let world = World::new();
    let first = world.update(&world.options()).await.unwrap();
    let options = UpdateOptions { current: Some(first.snapshot.clone()), ..world.options() };
    for (count, says) in [(0, "osv-ghsa had 100 records and has none"), (40, "osv-ghsa had 100 records and has 40")] {
        let body = if count == 0 { "[]\n".to_owned() } else { osv(count) };
        world.server.text("/osv/npm/all.jsonl", &body);
        let error = world.update(&options).await.unwrap_err();
        assert!(matches!(error, UpdateError::Regressed(_)), "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(entries(&first.snapshot, "package-99"), 1);
        let left: Vec<_> = std::fs::read_dir(&options.snapshots).unwrap().flatten().map(|e| e.path()).collect();
        assert_eq!(left, std::slice::from_ref(&first.snapshot), "nothing half-made stays");
    }
    let forced = world.update(&UpdateOptions { force: true, ..options.clone() }).await.unwrap();
    assert!(forced.changed && !forced.regressions.is_empty());
    // Half and a little less than half of the records gone is a matter of course.
    world.server.text("/osv/npm/all.jsonl", &osv(60));
    world.update(&options).await.unwrap();
}

#[tokio::test]
async fn strange_records_do_not_sink_a_feed() {
    let world = World::new();
    let mut body = osv(100);
    body.push_str("{\"id\":\"GHSA-new\",\"modified\":\"2026-01-01T00:00:00Z\",\"brand_new_field\":{\"x\":[1]},\"affected\":[{\"package\":{\"ecosystem\":\"npm\",\"name\":\"strange\"},\"versions\":[\"1.0.0\"]}]}\n");
    body.push_str("{\"id\":\"GHSA-bad\",\"modified\":\"2026-01-01T00:00:00Z\",\"affected\":{\"not\":\"a list\"}}\n");
    body.push_str("{\"id\":\"GHSA-after\",\"modified\":\"2026-01-01T00:00:00Z\",\"affected\":[{\"package\":{\"ecosystem\":\"npm\",\"name\":\"after\"},\"versions\":[\"1.0.0\"]}]}\n");
    world.server.text("/osv/npm/all.jsonl", &body);
    let report = world.update(&world.options()).await.unwrap();
    let build = report.build.unwrap();
    assert_eq!((build.problem_count, build.problems.len()), (1, 1));
    assert!(build.problems[0].path.contains("osv/npm/all.jsonl"), "{:?}", build.problems);
    assert!(build.problems[0].detail.contains("102"), "{:?}", build.problems);
    for name in ["strange", "after", "package-0"] {
        assert_eq!(entries(&report.snapshot, name), 1, "{name}");
    }
}

#[tokio::test]
async fn two_updates_at_once() {
    let world = World::new();
    let held = "/kev/kev.json";
    let asked = |times: usize| {
        let server = world.server.clone();
        async move {
            while server.seen(held).len() < times {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    };
    world.server.page(held, Page { body: KEV.into(), held: true, ..Page::default() });
    let options = world.options();
    let (heard, server) = (Arc::new(Mutex::new(Vec::new())), world.server.clone());
    let into = Arc::clone(&heard);
    let show: EventSink = Arc::new(move |event: Event| {
        into.lock().unwrap().push(format!("{event:?}"));
        server.release(held);
    });
    let waits = async {
        asked(1).await;
        update(&options, show).await
    };
    let (first, second) = tokio::join!(world.update(&options), waits);
    assert_eq!(first.unwrap().digest, second.unwrap().digest);
    assert!(heard.lock().unwrap()[0].contains("Waiting"));

    // One that will not wait says who is at work.
    let before = world.server.seen(held).len();
    world.server.page(held, Page { body: KEV.into(), held: true, ..Page::default() });
    let impatient = UpdateOptions { wait_for_others: Duration::ZERO, ..world.options() };
    let tries = async {
        asked(before + 1).await;
        let tried = world.update(&impatient).await;
        world.server.release(held);
        tried
    };
    let (first, second) = tokio::join!(world.update(&options), tries);
    first.unwrap();
    let error = second.unwrap_err();
    assert!(matches!(error, UpdateError::Lock(LockError::Busy { .. })), "{error}");
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_leaves_the_old_snapshot() {
    let world = World::new();
    let first = world.update(&world.options()).await.unwrap();
    let options = UpdateOptions { current: Some(first.snapshot.clone()), ..world.options() };
    // While downloading.
    world.server.text("/osv/npm/all.jsonl", &osv(150));
    let part = options.mirror.join(".layergate/osv/npm/all.jsonl.part");
    std::os::unix::fs::symlink("/dev/full", &part).unwrap();
    let report = world.update(&options).await.unwrap();
    assert!(World::osv_failure(&report).contains("the disk is full"), "{}", World::osv_failure(&report));
    assert_eq!((report.changed, entries(&first.snapshot, "package-99")), (false, 1));
    std::fs::remove_file(&part).unwrap();
    // While writing the snapshot: its place is taken by a directory.
    let place = options.snapshots.join(format!(".building-{}", std::process::id()));
    std::fs::create_dir_all(place.join("x")).unwrap();
    let error = world.update(&options).await.unwrap_err();
    assert!(error.to_string().contains(".building-"), "{error}");
    std::fs::remove_dir_all(&place).unwrap();
    assert_eq!(entries(&first.snapshot, "package-99"), 1);
    // And where nothing can be written at all.
    let blocked = world.home.path().join("a-file");
    std::fs::write(&blocked, "x").unwrap();
    let error = world.update(&UpdateOptions { snapshots: blocked.join("below"), ..options }).await.unwrap_err();
    assert!(matches!(error, UpdateError::Disk { .. }), "{error}");
}

#[tokio::test]
async fn digests_are_held_against_what_was_promised() {
    let world = World::new();
    let url = &world.server.url;
    let body = osv(30);
    world.server.text("/r/latest.txt", "data-2026-01-01.jsonl\n");
    world.server.text("/r/data-2026-01-01.jsonl", &body);
    world.server.text("/r/data-2026-01-01.jsonl.sha256", &format!("{}  data\n", Digest::of(b"another").to_hex()));
    let text = format!(
        "only = [\"redhat\", \"kev\"]\n[source.redhat]\nbase = \"{url}/r\"\nfiles = [\"latest.txt\"]\n[source.kev]\nbase = \"{url}/kev\"\nfiles = [\"kev.json\"]"
    );
    let options = UpdateOptions { sources: Sources::from_text(&text).unwrap(), ..world.options() };
    let report = mirror(&options, quiet()).await.unwrap();
    let (_, failure) = report.failures().next().unwrap();
    assert!(failure.why.contains("was promised; it was thrown away"), "{}", failure.why);
    assert!(!options.mirror.join("redhat/latest.jsonl").exists());

    world.server.text("/r/data-2026-01-01.jsonl.sha256", &Digest::of(body.as_bytes()).to_hex());
    let report = mirror(&options, quiet()).await.unwrap();
    assert_eq!(report.failures().count(), 0);
    assert_eq!(std::fs::read_to_string(options.mirror.join("redhat/latest.jsonl")).unwrap(), body);
    // A digest that is known already saves the download.
    let before = world.server.seen("/r/data-2026-01-01.jsonl").len();
    mirror(&options, quiet()).await.unwrap();
    assert_eq!(world.server.seen("/r/data-2026-01-01.jsonl").len(), before);
}

#[tokio::test]
async fn rpm_repositories_name_their_advisories() {
    let world = World::new();
    let url = &world.server.url;
    let info = "<?xml version=\"1.0\"?><updates></updates>";
    let repomd = |digest: &str| {
        format!(
            "<repomd><data type=\"updateinfo\"><checksum type=\"sha256\">{digest}</checksum><location href=\"repodata/f00-updateinfo.xml\"/></data></repomd>"
        )
    };
    world.server.text("/a/2/mirror.list", &format!("{url}/guid\n"));
    world.server.text("/guid/repodata/repomd.xml", &repomd(&Digest::of(info.as_bytes()).to_hex()));
    world.server.text("/guid/repodata/f00-updateinfo.xml", info);
    let text = format!("only = [\"amazon\"]\n[source.amazon]\nbase = \"{url}/a\"\nfiles = [\"2/mirror.list\"]");
    let options = UpdateOptions { sources: Sources::from_text(&text).unwrap(), ..world.options() };
    let report = mirror(&options, quiet()).await.unwrap();
    assert_eq!(report.failures().count(), 0, "{report:?}");
    assert_eq!(std::fs::read_to_string(options.mirror.join("amazon/2/updateinfo.xml")).unwrap(), info);
    world.server.text("/guid/repodata/repomd.xml", &repomd(&Digest::of(b"other").to_hex()));
    let report = mirror(&options, quiet()).await.unwrap();
    assert!(report.failures().next().unwrap().1.why.contains("was promised"));
}

#[tokio::test]
async fn a_closed_network_reads_a_mirror() {
    let world = World::new();
    let options = world.options();
    mirror(&options, quiet()).await.unwrap();
    // Somebody serves the folder.
    for file in ["mirror.json", "osv/npm/all.jsonl", "kev/kev.json"] {
        let body = std::fs::read_to_string(options.mirror.join(file)).unwrap();
        world.server.text(&format!("/m/{file}"), &body);
    }
    let text = format!("mirror = \"{}/m\"\nwithout = [\"kev\"]\n", world.server.url);
    let inside = UpdateOptions {
        mirror: world.home.path().join("inside"),
        sources: Sources::from_text(&text).unwrap(),
        ..world.options()
    };
    let report = world.update(&inside).await.unwrap();
    assert_eq!(entries(&report.snapshot, "package-99"), 1);
    assert!(!inside.mirror.join("kev").exists());
    // A file that is not the one that the list promises is refused.
    world.server.text("/m/osv/npm/all.jsonl", &osv(99));
    std::fs::remove_file(inside.mirror.join("osv/npm/all.jsonl")).unwrap();
    let error = world.update(&inside).await.unwrap_err();
    assert!(error.to_string().contains("was promised"), "{error}");
    // A list that leads out of the mirror is refused.
    let bad = format!("{{\"files\":[{{\"path\":\"osv/../../x\",\"bytes\":1,\"digest\":\"{}\"}}]}}", Digest::of(b"x"));
    world.server.text("/m/mirror.json", &bad);
    let error = world.update(&inside).await.unwrap_err();
    assert!(matches!(error, UpdateError::Fetch(FetchError::WrongContent { .. })), "{error}");
}

#[tokio::test]
async fn the_size_is_reported_before_anything_is_fetched() {
    let world = World::new();
    let reported = expected(&world.options(), quiet()).await.unwrap();
    let bytes = (osv(100).len() + KEV.len()) as u64;
    assert_eq!(reported, Expected { files: 2, bytes, unknown: 1 });
    assert!(!world.options().mirror.exists(), "nothing is kept");
    // A mirror's list says it all by itself.
    let options = world.options();
    mirror(&options, quiet()).await.unwrap();
    let list = std::fs::read_to_string(options.mirror.join("mirror.json")).unwrap();
    world.server.text("/m/mirror.json", &list);
    let text = format!("mirror = \"{}/m\"\n", world.server.url);
    let inside = UpdateOptions { sources: Sources::from_text(&text).unwrap(), ..world.options() };
    assert_eq!(expected(&inside, quiet()).await.unwrap(), Expected { files: 2, bytes, unknown: 0 });
    assert_eq!(world.server.seen("/m/osv/npm/all.jsonl").len(), 0);
}

#[tokio::test]
async fn a_file_beyond_its_cap_is_not_kept() {
    let world = World::new();
    world.server.page("/kev/kev.json", Page { body: vec![b' '; (1 << 20) + 1], ..Page::default() });
    let text = format!(
        "only = [\"kev\"]\n[source.kev]\nbase = \"{}/kev\"\nfiles = [\"kev.json\"]\nmax_mib = 1",
        world.server.url
    );
    let options = UpdateOptions { sources: Sources::from_text(&text).unwrap(), ..world.options() };
    let error = world.update(&options).await.unwrap_err();
    assert!(error.to_string().contains("larger than the 1048576 bytes"), "{error}");
}
